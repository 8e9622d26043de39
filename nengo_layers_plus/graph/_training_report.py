"""What of a layer or a network is trained, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import nengo
from nengo.exceptions import SimulatorClosed

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph._network_graph import NetworkGraph
from nengo_layers_plus.graph._parameters import Parameter, count_values
from nengo_layers_plus.graph._report import Line, Report, Table
from nengo_layers_plus.graph._words import network_in_words

_HEADER = ("parameter", "shape", "values", "in training", "why")
_NUMBERS = (2,)


class TrainingReport(Report, Sequence[Parameter]):
    """
    Everything in a network that could train, with whether an optimiser will move it, and why.

    A sequence of `Parameter`; ``str`` writes it as a table, and notebooks show it as one.

    Parameters
    ----------
    parameters : sequence of Parameter
        The parameters, in the order data flows.
    title : str
        What the table is of.
    """

    def __init__(self, parameters: Sequence[Parameter], title: str) -> None:
        self.parameters = tuple(parameters)
        self.title = title

    def __len__(self) -> int:
        return len(self.parameters)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return self.parameters[index]

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.parameters)

    @cached_property
    def moving(self) -> tuple[Parameter, ...]:
        """The parameters that an optimiser will move."""
        return tuple(each for each in self.parameters if each.moves)

    @cached_property
    def staying(self) -> tuple[Parameter, ...]:
        """The parameters that an optimiser will leave alone."""
        return tuple(each for each in self.parameters if not each.moves)

    @property
    def n_moving(self) -> int | None:
        """The number of values that will move; None if a shape is not known."""
        return count_values(self.moving)

    @property
    def n_staying(self) -> int | None:
        """The number of values that will stay; None if a shape is not known."""
        return count_values(self.staying)

    @property
    def n_trainable(self) -> int | None:
        """
        The number of values in ``sim.keras_model.trainable_weights``; None if a shape is not known.

        Besides those that move, these are the ones to which no gradient comes.
        """
        return count_values([each for each in self.parameters if each.trainable])

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                each.name,
                "not known" if each.shape is None else str(each.shape),
                _write(each.size),
                "moves" if each.moves else "stays",
                each.why,
            )
            for each in self.parameters
        ]

    def _totals(self) -> str:
        return (
            f"{_write(self.n_moving)} values move, {_write(self.n_staying)} stay; "
            f"{_write(self.n_trainable)} are trainable weights of the Keras model"
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.title}: {self._totals()}>"

    def _parts(self) -> Iterator[Line | Table]:
        yield Line(self.title)
        if self.parameters:
            yield Table(_HEADER, self._rows(), _NUMBERS)
            yield Line(self._totals())
        else:
            yield Line("nothing in it could train")


def _write(number: int | None) -> str:
    return "not known" if number is None else f"{number:,}"


def what_trains(network: nengo.Network | nengo_dl.Simulator) -> TrainingReport:
    """
    Say what in a network an optimiser would move, and why it would not move the rest.

    Parameters
    ----------
    network : nengo.Network or nengo_dl.Simulator
        Any network; or a Simulator, to be told what it was built to train.

    Returns
    -------
    report : TrainingReport
        A sequence of `Parameter` that prints as a table.

    Raises
    ------
    nengo.exceptions.ValidationError
        If it is neither.
    nengo.exceptions.SimulatorClosed
        If the Simulator is closed.

    Examples
    --------
    >>> import nengo
    >>> import tensorflow as tf
    >>> from nengo_layers_plus import CustomLayer
    >>> from nengo_layers_plus.graph import what_trains
    >>> with nengo.Network(label="digits") as net:
    ...     image = nengo.Node([0.0] * 4, label="image")
    ...     dense = CustomLayer(tf.keras.layers.Dense(3), label="dense")(image)
    ...     spikes = CustomLayer(nengo.LIF(), label="spikes", trainable=False)(dense)
    ...     probe = nengo.Probe(spikes)
    >>> report = what_trains(net)
    >>> print(report)
    <Network "digits">
    parameter        shape  values  in training  why
    ...
    dense.kernel     (4, 3)     12  moves        the Keras layer says so
    dense.bias       (3,)        3  moves        the Keras layer says so
    spikes.encoders  (3, 1)      3  stays        nothing in the network depends on it
    spikes.bias      (3,)        3  stays        trainable is False for the object itself
    15 values move, 6 stay; 15 are trainable weights of the Keras model
    >>> report.n_moving, [parameter.name for parameter in report.moving]
    (15, ['dense.kernel', 'dense.bias'])
    """
    if isinstance(network, nengo_dl.Simulator) and network.closed:
        raise SimulatorClosed(
            "a Simulator that is closed does not know what trains any more; ask before it is "
            "closed, or ask its network"
        )
    graph = NetworkGraph(network)
    return TrainingReport(graph.parameters, f"<{network_in_words(graph.network)}>")
