"""Gains and biases for neurons whose output is scaled otherwise than where they were saved."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nengo_layers_plus.parameters._simulator_parameters import SimulatorParameters


class ScaledResponses:
    """
    Compares amplitudes, which a network says itself, with those beside the saved gains.

    Neurons that fire ``s`` times as fast, and of which each spike counts ``1 / s`` as much, are
    the same neurons for the layers behind them (exactly so if their rate is linear). Their gains
    and biases are ``s`` times those that were saved, and so are their encoders, which are kept as
    nengo has them, times the gains. With another amplitude and no such gains they are other
    neurons.

    Parameters
    ----------
    parameters : SimulatorParameters
        Those of the network.
    arrays : Mapping
        What was saved.
    amplitudes : Mapping
        Those of the neurons where it was saved, by the names of their gains.

    Attributes
    ----------
    scales : dict
        By how much to scale what was saved, by name.
    other_amplitude : dict
        By name, the amplitude that was saved and that of the network, of gains and biases that
        can't be loaded.
    """

    def __init__(
        self,
        parameters: SimulatorParameters,
        arrays: Mapping[str, np.ndarray],
        amplitudes: Mapping[str, float],
    ) -> None:
        self._arrays = arrays
        self.scales: dict[str, float] = {}
        self.other_amplitude: dict[str, tuple[float, float]] = {}
        own_amplitudes = parameters.amplitudes
        changed = {
            name: (saved, own_amplitudes[name])
            for name, saved in amplitudes.items()
            if name in arrays and own_amplitudes.get(name, saved) != saved
        }
        gains = parameters.read_some(changed)
        for name, (saved, own) in changed.items():
            stem = name.removesuffix("gain")
            names = [each for each in (name, f"{stem}bias", f"{stem}encoders") if each in arrays]
            scale = saved / own if own else np.nan
            scaled = arrays[name] * scale
            if gains[name].shape == scaled.shape and np.allclose(gains[name], scaled, rtol=1e-4):
                self.scales.update(dict.fromkeys(names, scale))
            else:
                self.other_amplitude.update(dict.fromkeys(names, (saved, own)))

    def scaled(self, name: str) -> np.ndarray:
        """Return what was saved, scaled for the neurons here."""
        array = self._arrays[name]
        return array * self.scales[name] if name in self.scales else array
