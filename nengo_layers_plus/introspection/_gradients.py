"""The gradients of all that trains in a Simulator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nengo
import numpy as np

from nengo_layers_plus._upstream import model_inputs, tf
from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.parameters._signal_arrays import SignalArrays


def gradients_of(
    graph: NetworkGraph,
    data: Mapping[nengo.Node, np.ndarray],
    n_steps: int,
    losses: Mapping[nengo.Probe, Any],
    targets: Mapping[nengo.Probe, np.ndarray],
) -> dict[str, np.ndarray]:
    """
    Return the gradients of the sum of losses for all that trains, by name.

    Parameters
    ----------
    graph : NetworkGraph
        That of a Simulator, whose parameters are left as they were.
    data : Mapping
        Values of input Nodes, ``(batch, time, size)``; others give their own.
    n_steps : int
        The number of steps.
    losses : Mapping of nengo.Probe to callable
        A loss of targets and outputs for some Probes.
    targets : Mapping of nengo.Probe to array
        The targets of these Probes, ``(batch, time, size)``.
    """
    sim = graph.simulator
    assert sim is not None
    weights = sim.keras_model.trainable_weights
    inputs = model_inputs(sim, dict(data), n_steps)
    with tf.GradientTape() as tape:
        outputs = sim.keras_model(inputs, training=True)
        by_probe = dict(zip(sim.model.probes, outputs, strict=False))
        loss = sum(
            tf.reduce_mean(tf.keras.losses.get(each)(targets[probe], by_probe[probe]))
            for probe, each in losses.items()
        )
    gradients = tape.gradient(loss, weights, unconnected_gradients="zero")
    gradients = [tf.convert_to_tensor(each).numpy() for each in gradients]
    values = [each.numpy() for each in weights]
    try:
        # nengo_dl keeps many parameters in one variable: they are found in it by being read
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.assign(gradient)
        arrays = SignalArrays(sim)
        found = {}
        for each in graph.parameters:
            if each.trainable:
                is_variable = isinstance(each.source, tf.Variable)
                value = each.source.numpy() if is_variable else arrays.get(each.source)
                assert value is not None  # what trains is held in a variable
                found[each.name] = value
        return found
    finally:
        for weight, value in zip(weights, values, strict=True):
            weight.assign(value)
