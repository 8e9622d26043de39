"""Objects of the network of a Simulator, with the values that their parameters have now."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
from nengo.ensemble import Neurons
from nengo.exceptions import ValidationError

from nengo_layers_plus._declared import ParameterSignal
from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.neurons import changed, model_in
from nengo_layers_plus.parameters._simulator_parameters import SignalArrays


class LiveData(nengo_dl.simulator.SimulationData):
    """
    What nengo_dl has in ``sim.data``, and the parameters of types of neurons.

    ``sim.data[ensemble.neurons]`` is a dict with the values of the parameters of a `.NeuronModel`
    by name: a number, or an array with one for each neuron.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        The Simulator.
    minibatched : bool
        Whether values of probes have an axis for the minibatch.
    """

    def __getitem__(self, obj: Any) -> Any:
        """Return what is known of an object; see `nengo_dl.simulator.SimulationData`."""
        if isinstance(obj, Neurons) and obj not in self.sim.model.params:
            return values_of(self.sim, obj)
        return super().__getitem__(obj)


def values_of(sim: Any, obj: Any) -> dict[str, Any]:
    """
    Return the values of parameters that a type of neurons or a synapse declares.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        The Simulator. One that is closed gives the initial values.
    obj : nengo.ensemble.Neurons or nengo.Connection
        Whose.
    """
    arrays = None if sim.closed else SignalArrays(sim)
    values: dict[str, Any] = {}
    if isinstance(obj, Neurons):
        model = model_in(obj.ensemble.neuron_type)
        if model is not None:
            values = {name: getattr(model, name) for name in model.parameters}
    for signal in sim.model.sig[obj].values():
        if isinstance(signal, ParameterSignal):
            free = None if arrays is None else arrays.get(signal)
            value = signal.value(signal.initial_value if free is None else free)
            values[signal.parameter] = float(value[0]) if value.size == 1 else value
    return values


def freeze_synapse(sim: Any, obj: Any) -> None:
    """
    Give a Probe, or a Node that runs a synapse, the synapse with what was learned.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        The Simulator.
    obj : nengo.Probe or nengo.Node
        The object.
    """
    values = values_of(sim, obj)
    if values:
        name = "output" if isinstance(obj, nengo.Node) else "synapse"
        setattr(obj, name, getattr(obj, name).replace(**values))


def with_learned_parameters(sim: Any, obj: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """
    Add to the arguments of an object the type of neurons or synapse with what was learned.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        The Simulator.
    obj : nengo.Ensemble or nengo.Connection
        The object.
    arguments : dict
        The arguments by which nengo_dl would make an equal object.
    """
    obj = obj.ensemble if isinstance(obj, Neurons) else obj
    holder = obj.neurons if isinstance(obj, nengo.Ensemble) else obj
    if any(isinstance(signal, ParameterSignal) for signal in sim.model.sig[holder].values()):
        values = {
            name: np.asarray(value, np.float64) for name, value in values_of(sim, holder).items()
        }
        if isinstance(obj, nengo.Ensemble):
            arguments["neuron_type"] = changed(obj.neuron_type, **values)
        else:
            arguments["synapse"] = obj.synapse.replace(**values)
    return arguments


def check_members(sim: Any, given: Any, argument: str, *classes: type) -> None:
    """
    Raise if there is something that is no object of the network, of some classes.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        The Simulator.
    given : object or list of objects
        What is checked.
    argument : str
        What it is called, for the error.
    *classes : type
        The classes.
    """
    for member in given if isinstance(given, list | tuple) else [given]:
        obj = member.ensemble if isinstance(member, Neurons) else member
        if not isinstance(member, classes) or obj not in sim.model.params:
            expected = " or ".join(cls.__name__ for cls in classes)
            raise ValidationError(
                f"expected {expected} of the network of this Simulator, got {member!r}",
                argument,
                sim,
            )
