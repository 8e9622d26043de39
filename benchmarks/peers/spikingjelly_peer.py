"""SpikingJelly: `LIFNode` with ``step_mode="m"``, which takes all steps at once.

It fires at its threshold, where the others fire above it. On a GPU it chooses its own kernels; on a
CPU it loops over the steps in Python, forwards and backwards, without a graph of them.
"""

from __future__ import annotations

import torch
from spikingjelly.activation_based import functional, neuron, surrogate

from benchmarks.peers.equations import STEEPNESS, TAU
from benchmarks.peers.torch_worker import TorchWorker
from benchmarks.peers.worker import serve


class SpikingJellyWorker(TorchWorker):
    """`LIFNode` of all steps; resets are kept out of the gradient by ``detach_reset``."""

    package = "spikingjelly"

    def neurons(self) -> torch.nn.Module:
        """Return the neurons; see `TorchWorker`."""
        return FreshNode(_node())

    def trace(self, currents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return spikes and voltages; see `TorchWorker`."""
        node = _node(store_v_seq=True)
        spikes = node(currents)
        return spikes, node.v_seq


class FreshNode(torch.nn.Module):
    """
    Neurons that begin anew with each sequence.

    Parameters
    ----------
    node : LIFNode
        Takes all steps of a sequence.
    """

    def __init__(self, node: neuron.LIFNode) -> None:
        super().__init__()
        self.node = node

    def forward(self, currents: torch.Tensor) -> torch.Tensor:
        """Return the spikes of all steps."""
        functional.reset_net(self.node)
        return self.node(currents)


def _node(store_v_seq: bool = False) -> neuron.LIFNode:
    # The surrogate of this name has the steepness 1, and alpha is a factor of its slope.
    assert STEEPNESS == 1
    return neuron.LIFNode(
        tau=TAU,
        decay_input=True,
        surrogate_function=surrogate.SuperSpike(alpha=1.0),
        detach_reset=True,
        step_mode="m",
        store_v_seq=store_v_seq,
    )


if __name__ == "__main__":
    serve(SpikingJellyWorker)
