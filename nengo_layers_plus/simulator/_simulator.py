"""A Simulator that can be asked for its parameters."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph import TrainingReport, what_trains
from nengo_layers_plus._upstream._tensor_graph import replace_class
from nengo_layers_plus.parameters import LoadedParameters, load_parameters, save_parameters
from nengo_layers_plus.simulator._layerwise_graph import LayerwiseGraph


class Simulator(nengo_dl.Simulator):
    """
    `nengo_dl.Simulator`, with parameters by name.

    Takes the same arguments, runs the same model and returns the same numbers.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus import CustomLayer, Simulator
    >>> with nengo.Network(seed=0) as net:
    ...     image = nengo.Node([0.5] * 4)
    ...     probe = nengo.Probe(CustomLayer(nengo.LIF(), label="hidden")(image))
    >>> with Simulator(net, progress_bar=False) as sim:
    ...     [parameter.name for parameter in sim.what_trains().moving]
    ...     sim.predict(n_steps=10, verbose=0)[probe].shape
    ['hidden.bias']
    (1, 10, 4)
    """

    def _build_keras(self, progress: Any = None) -> None:
        replace_class(self.tensor_graph, LayerwiseGraph)
        super()._build_keras(progress)

    def save_parameters(self, path: str | os.PathLike[str]) -> None:
        """
        Save all that is drawn or learned to a file, by name; see `.save_parameters`.

        Parameters
        ----------
        path : str or os.PathLike
            The file.
        """
        save_parameters(self, path)

    def load_parameters(
        self, path: str | os.PathLike[str] | Mapping[str, Any], strict: bool = True
    ) -> LoadedParameters:
        """
        Load parameters that were saved, by name; see `.load_parameters`.

        Parameters
        ----------
        path : str, os.PathLike or Mapping
            A file that `.save_parameters` wrote, or arrays by name.
        strict : bool
            Whether all names and shapes must be those of the network.

        Returns
        -------
        report : LoadedParameters
        """
        return load_parameters(self, path, strict=strict)

    def what_trains(self) -> TrainingReport:
        """
        Say what an optimiser would move; see `.graph.what_trains`.

        Returns
        -------
        report : TrainingReport
        """
        return what_trains(self)
