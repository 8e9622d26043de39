"""Norse: `LIFBoxCell`, its neurons without a synaptic current.

By default gradients pass through its reset as well, which other libraries leave out by default or
on request. Its parameter ``reset_method`` is given a function that leaves them out, so that all
compute the same.
"""

from __future__ import annotations

import torch
from norse.torch import LIFBoxCell, LIFBoxFeedForwardState, LIFBoxParameters

from benchmarks.peers.equations import DT, STEEPNESS, TAU
from benchmarks.peers.torch_worker import EachStep, TorchWorker
from benchmarks.peers.worker import serve


class NorseWorker(TorchWorker):
    """`LIFBoxCell` in a loop over steps, as `norse.torch.Lift` runs it."""

    package = "norse"

    def neurons(self) -> torch.nn.Module:
        """Return the neurons; see `TorchWorker`."""
        return EachStep(self._cell(), self._start())

    def trace(self, currents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return spikes and voltages; see `TorchWorker`."""
        cell, state, spikes, voltages = self._cell(), self._start(), [], []
        for current in currents:
            spike, state = cell(current, state)
            spikes.append(spike)
            voltages.append(state.v)
        return torch.stack(spikes), torch.stack(voltages)

    def _start(self) -> LIFBoxFeedForwardState:
        # The one that it makes by itself wants a gradient, which nobody needs.
        return LIFBoxFeedForwardState(v=torch.tensor(0.0, device=self.place))

    def _cell(self) -> LIFBoxCell:
        # Its surrogate has the steepness 1, whatever alpha is.
        assert STEEPNESS == 1
        return LIFBoxCell(
            LIFBoxParameters(
                tau_mem_inv=torch.tensor(1 / (TAU * DT), device=self.place),
                v_leak=torch.tensor(0.0, device=self.place),
                v_th=torch.tensor(1.0, device=self.place),
                v_reset=torch.tensor(0.0, device=self.place),
                method="super",
                reset_method=reset_without_gradient,
            ),
            dt=DT,
        )


def reset_without_gradient(
    spikes: torch.Tensor, voltage: torch.Tensor, reset: torch.Tensor, _: torch.Tensor
) -> torch.Tensor:
    """Set the voltage back where there are spikes, through which no gradient passes."""
    spikes = spikes.detach()
    return (1 - spikes) * voltage + spikes * reset


if __name__ == "__main__":
    serve(NorseWorker)
