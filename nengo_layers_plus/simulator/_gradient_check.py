"""The check of fit that gradients reach what is to be trained."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import nengo
from nengo.builder.neurons import SimNeurons
from nengo.exceptions import NengoException

from nengo_layers_plus.graph import (
    GradientStop,
    NetworkGraph,
    gradient_stops,
    listed,
    passes_operator,
    trained_through,
)
from nengo_layers_plus.graph._gradient_flow import GradientFlow
from nengo_layers_plus.neurons import StoppedGradientWarning, why_in_python


class StoppedGradientError(NengoException):
    """Neurons of some type, or the state of a layer, would stop gradients that training needs."""


def check_gradients(sim: Any) -> None:
    """
    Raise if neurons or layers stop gradients on their way to what should be trained.

    Parameters
    ----------
    sim : Simulator
        A Simulator that was compiled.

    Raises
    ------
    StoppedGradientError
        The error names the Ensembles, their types, and what could not learn; or the TensorNodes
        whose state is in variables, and what would learn from single steps; or such variables
        themselves, if they say that they train.

    Warns
    -----
    StoppedGradientWarning
        If parameters of neurons are to train that their response curve does not depend on.
    """
    cutting = sim.tensor_graph.cuts_gradients
    trained = sim.tensor_graph.trained_state()
    if not cutting and not trained and not any(map(_may_lose, sim.model.operators)):
        return  # the graph of a large network takes time to build
    graph = NetworkGraph(sim)
    _check_trained_state(sim, graph, trained)
    _check_state_of_layers(sim, graph, {operator.output for operator in cutting})
    stops = gradient_stops(graph, _probes_with_loss(sim))
    if stops:
        raise StoppedGradientError(
            "Simulator.fit: expected gradients to reach all that should be trained, but\n"
            + "\n".join(map(_describe, stops))
            + "\nWhat to do: use a type of neurons that has TensorFlow code, or write this one as "
            "a nengo_layers_plus.NeuronModel; freeze what is not to be trained "
            "(nengo_layers_plus.freeze); or train without these gradients on purpose: "
            "sim.fit(..., allow_stopped_gradients=True)"
        )
    untrained = [
        parameter.name
        for parameter in graph.parameters
        if parameter.kind == "neuron parameter"
        and parameter.trainable
        and "response curve" in parameter.why
    ]
    if untrained:
        warnings.warn(
            f"Simulator.fit: {', '.join(untrained)} can't train, as the neurons train by a "
            "response curve that does not depend on it. What to do: put a Surrogate around the "
            "neuron type, so that it trains through its spikes; or name what should train in its "
            "trainable",
            StoppedGradientWarning,
            stacklevel=4,
        )


def _check_trained_state(sim: Any, graph: NetworkGraph, trained: list[tuple[Any, Any]]) -> None:
    """Raise if an optimiser would train variables that layers change from step to step.

    Parameters
    ----------
    sim : Simulator
        The Simulator.
    graph : NetworkGraph
        Its graph.
    trained : list of tuple
        The operators of TensorNodes, and their variables that a gradient comes to.
    """
    variables = {id(variable): operator.output for operator, variable in trained}
    reached = GradientFlow(graph).reaching_a_probe(_probes_with_loss(sim))
    outputs = {sim.model.sig[item.obj]["out"] for item in reached if item.kind == "tensor node"}
    names = [
        parameter.name
        for parameter in graph.parameters
        if variables.get(id(parameter.source)) in outputs
    ]
    if names:
        raise StoppedGradientError(
            f"Simulator.fit: expected variables that a Keras layer changes whenever it is called "
            f"not to train, but {listed(names)} would. What to do: make them with trainable=False; "
            f"or train all else on purpose: sim.fit(..., allow_stopped_gradients=True)"
        )


def _check_state_of_layers(sim: Any, graph: NetworkGraph, outputs: set[Any]) -> None:
    """Raise if gradients would have to go through variables that layers change from step to step.

    Parameters
    ----------
    sim : Simulator
        The Simulator.
    graph : NetworkGraph
        Its graph.
    outputs : set of nengo.builder.Signal
        The outputs of the TensorNodes with such variables.
    """
    for item in graph.objects:
        if item.kind != "tensor node" or sim.model.sig[item.obj]["out"] not in outputs:
            continue
        trained = trained_through(graph, item, _probes_with_loss(sim))
        if trained:
            raise StoppedGradientError(
                f"Simulator.fit: expected gradients to go back in time, but {item.name} keeps its "
                f"state in variables of a Keras layer, through which none goes: "
                f"{listed(parameter.name for parameter in trained)} would learn from each step by "
                f"itself. What to do: write the layer as a cell of [input, state], with a "
                f"Connection of synapse=0 from its output to its input for the state (the guide "
                f"'Building networks' has an LSTM); freeze what is not to be trained "
                f"(nengo_layers_plus.freeze); or train without these gradients on purpose: "
                f"sim.fit(..., allow_stopped_gradients=True)"
            )


def _may_lose(operator: Any) -> bool:
    """Say whether neurons of an operator may have gradients stop, or parameters stay."""
    if not isinstance(operator, SimNeurons):
        return False
    signals = getattr(operator, "parameter_signals", {})
    trained = getattr(operator, "trained_names", ())
    return not passes_operator(operator) or any(
        signal.trainable and name not in trained for name, signal in signals.items()
    )


def _probes_with_loss(sim: Any) -> list[nengo.Probe] | None:
    """List the probes that a loss was given for; None: all."""
    losses = getattr(sim.keras_model, "loss", None)
    if not isinstance(losses, Mapping):
        return None
    names = {sim.get_name(probe): probe for probe in sim.model.probes}
    return [names[name] for name, loss in losses.items() if name in names and loss is not None]


def _describe(stop: GradientStop) -> str:
    neuron_type = stop.item.obj.neuron_type
    reason = why_in_python(neuron_type) or f"{type(neuron_type).__name__} runs in Python"
    lines = [f"  {stop.item.name}: {reason}, and stops them."]
    if stop.lost:
        lost = listed(parameter.name for parameter in stop.lost)
        lines.append(f"    Could not learn: {lost}.")
    if stop.partly_lost:
        partly_lost = listed(parameter.name for parameter in stop.partly_lost)
        lines.append(f"    Would learn by other ways alone: {partly_lost}.")
    return "\n".join(lines)
