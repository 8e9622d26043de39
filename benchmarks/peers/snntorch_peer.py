"""SnnTorch: `Leaky` neurons.

Its membrane is ``beta v + I``, hence the factor ``1 - beta`` of the current, which is in the
weights. What is read as its membrane is before the reset: that is done at the start of the next
step, which gives the same numbers for a reset to 0. Its class takes one step at a time.
`StateLeaky` and `LeakyParallel`, which take all at once, have no reset and are other neurons.
"""

from __future__ import annotations

import snntorch
import snntorch.surrogate
import torch

from benchmarks.peers.equations import STEEPNESS, TAU
from benchmarks.peers.torch_worker import EachStep, TorchWorker
from benchmarks.peers.worker import serve


class SnnTorchWorker(TorchWorker):
    """`snntorch.Leaky` in a loop over steps, its state handed from one to the next."""

    package = "snntorch"
    input_factor = 1 / TAU

    def neurons(self) -> torch.nn.Module:
        """Return the neurons; see `TorchWorker`."""
        return SteppedLeaky(_leaky())

    def trace(self, currents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return spikes and voltages; see `TorchWorker`."""
        leaky = _leaky().to(self.place)
        membrane, spikes, voltages = leaky.reset_mem(), [], []
        for current in currents:
            spike, membrane = leaky(current, membrane)
            spikes.append(spike)
            voltages.append(membrane * (1 - spike))
        return torch.stack(spikes), torch.stack(voltages)


class SteppedLeaky(EachStep):
    """
    Neurons of snnTorch along time.

    Parameters
    ----------
    leaky : snntorch.Leaky
        Takes one step.
    """

    def __init__(self, leaky: snntorch.Leaky) -> None:
        super().__init__(leaky)

    def forward(self, currents: torch.Tensor) -> torch.Tensor:
        """Return the spikes of all steps."""
        self.step.reset_mem()
        return super().forward(currents)


def _leaky() -> snntorch.Leaky:
    return snntorch.Leaky(
        beta=1 - 1 / TAU,
        reset_mechanism="zero",
        spike_grad=snntorch.surrogate.fast_sigmoid(slope=STEEPNESS),
    )


if __name__ == "__main__":
    serve(SnnTorchWorker)
