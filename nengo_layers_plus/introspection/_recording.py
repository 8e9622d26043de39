"""Recordings of the outputs of objects in a network, whether they are probed or not."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError
from nengo.neurons import Direct

from nengo_layers_plus._upstream import model_inputs, nengo_dl, random_state_kept, tf
from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.introspection._inputs import check_data
from nengo_layers_plus.introspection._network_copy import NetworkCopy
from nengo_layers_plus.parameters._simulator_parameters import SignalArrays, SimulatorParameters
from nengo_layers_plus.simulator import Simulator

ParameterKey = tuple[Any, str, int]
"""What a parameter belongs to, its kind, and its number among those."""


class Recorder(AbstractContextManager["Recorder"]):
    """
    Simulates a copy of a network, and records the outputs of chosen objects.

    Parameters
    ----------
    network : nengo.Network or nengo_dl.Simulator
        The network; or a Simulator, whose parameters are taken over as they are now. Neither is
        changed.
    objects : iterable of nengo.Ensemble, nengo.Node or nengo_dl.TensorNode
        The objects that are recorded, besides all probes; of an ensemble its neurons.
    minibatch_size : int
        How many items are run at once.
    seed : int, optional
        Taken for the seed of a network that has none.
    edit : callable, optional
        Called with the `NetworkCopy` before it is built, to change it.
    """

    def __init__(
        self,
        network: nengo.Network | nengo_dl.Simulator,
        objects: Iterable[Any] = (),
        *,
        minibatch_size: int = 1,
        seed: int | None = None,
        edit: Callable[[NetworkCopy], None] | None = None,
    ) -> None:
        sim = network if isinstance(network, nengo_dl.Simulator) else None
        self.network: nengo.Network = sim.model.toplevel if sim is not None else network
        self.copy = NetworkCopy(self.network)
        if self.copy.network.seed is None:
            self.copy.network.seed = seed
        if edit is not None:
            edit(self.copy)
        self._probes = {probe: self.copy[probe] for probe in self.network.all_probes}
        self._added = {obj: self._add_probe(self.copy[obj]) for obj in objects}
        dt = 0.001 if sim is None else sim.dt
        with warnings.catch_warnings(), random_state_kept():
            warnings.simplefilter("ignore")  # the user's own Simulator warns
            self.sim = Simulator(
                self.copy.network,
                dt=dt,
                seed=0 if sim is None else sim.tensor_graph.seed,
                unroll_simulation=1 if sim is None else sim.unroll,
                minibatch_size=minibatch_size,
                progress_bar=False,
            )
        added = set(self._added.values())
        self._held = SimulatorParameters(self.sim, "run")
        self._names = {
            key: name
            for key, name in parameter_names(self._held, self.copy.original).items()
            if key[0] not in added
        }
        if sim is not None:
            held = SimulatorParameters(sim, "run a copy of")
            values = held.read()
            self.set_parameters({key: values[name] for key, name in parameter_names(held).items()})

    def __exit__(self, *_: object) -> None:
        self.sim.close()

    def run(self, data: Mapping[nengo.Node, np.ndarray], n_steps: int) -> dict[Any, np.ndarray]:
        """
        Run from the initial state.

        Parameters
        ----------
        data : Mapping
            Values of input Nodes of the network, ``(batch, time, size)``; others give their own.
        n_steps : int
            The number of steps.

        Returns
        -------
        outputs : dict of array
            The outputs of the objects, and those of the probes, ``(batch, time, size)``.
        """
        with _quietly():
            outputs = self.sim.predict(
                {self.copy[node]: value for node, value in data.items()},
                n_steps=n_steps,
                verbose=0,
            )
            self.sim.reset(include_probes=False)  # learning rules move weights
        probes = {**self._probes, **self._added}
        return {obj: np.asarray(outputs[probe]) for obj, probe in probes.items()}

    @cached_property
    def parameters(self) -> dict[ParameterKey, np.ndarray]:
        """The values of all that is drawn or learned, by what it belongs to in the network."""
        values = self._held.read()
        return {key: values[name] for key, name in self._names.items()}

    def set_parameters(self, values: Mapping[ParameterKey, np.ndarray]) -> None:
        """Set some of `parameters`."""
        self.__dict__.pop("parameters", None)  # they are read anew
        self._held.set(
            {self._names[key]: value for key, value in values.items() if key in self._names}
        )

    def gradients(
        self,
        data: Mapping[nengo.Node, np.ndarray],
        n_steps: int,
        losses: Mapping[nengo.Probe, Any],
        targets: Mapping[nengo.Probe, np.ndarray],
    ) -> dict[ParameterKey, tuple[str, np.ndarray]]:
        """
        Return the gradients of the sum of losses, as in the first step of a training.

        Parameters
        ----------
        data : Mapping
            Values of input Nodes of the network, ``(batch, time, size)``; others give their own.
        n_steps : int
            The number of steps.
        losses : Mapping of nengo.Probe to tf.keras.losses.Loss or callable
            Losses of Probes of the network.
        targets : Mapping
            The targets of the Probes, ``(batch, time, size)``.

        Returns
        -------
        gradients : dict of tuple of str and array
            The name and gradient of all that trains. For parameters that a type of neurons or a
            synapse keeps within bounds, that of the number without bounds that stands for them.
        """
        gradients = _gradients(
            self._held.graph,
            {self.copy[node]: value for node, value in data.items()},
            n_steps,
            {self._probes[probe]: loss for probe, loss in losses.items()},
            {self._probes[probe]: target for probe, target in targets.items()},
        )
        keys = {name: key for key, name in self._names.items()}
        return {keys[name]: (name, value) for name, value in gradients.items()}

    def _add_probe(self, obj: Any) -> nengo.Probe:
        if isinstance(obj, nengo.Ensemble) and not isinstance(obj.neuron_type, Direct):
            obj = obj.neurons
        config = self.copy.network.config
        with self.copy.network:
            probe = nengo.Probe(obj, synapse=None, sample_every=None)
        if "keep_history" in getattr(config.params.get(nengo.Probe), "extra_params", ()):
            config[probe].keep_history = True
        return probe


def _gradients(
    graph: NetworkGraph,
    data: Mapping[nengo.Node, np.ndarray],
    n_steps: int,
    losses: Mapping[nengo.Probe, Any],
    targets: Mapping[nengo.Probe, np.ndarray],
) -> dict[str, Any]:
    """Return the gradients of the sum of losses for all that trains, by name."""
    sim = graph.simulator
    assert sim is not None
    weights = sim.keras_model.trainable_weights
    inputs = model_inputs(sim, dict(data), n_steps)
    with tf.GradientTape() as tape:
        outputs = sim.keras_model(inputs, training=True)
        by_probe = dict(zip(sim.model.probes, outputs, strict=False))
        total = sum(
            tf.reduce_mean(tf.keras.losses.get(loss)(targets[probe], by_probe[probe]))
            for probe, loss in losses.items()
        )
    gradients = tape.gradient(total, weights, unconnected_gradients="zero")
    values = [weight.numpy() for weight in weights]
    trainable = [parameter for parameter in graph.parameters if parameter.trainable]
    try:
        # nengo_dl keeps many parameters in one variable: reading the parameters takes it apart
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.assign(tf.convert_to_tensor(gradient))
        arrays = SignalArrays(sim)
        return {
            parameter.name: parameter.source.numpy()
            if isinstance(parameter.source, tf.Variable)
            else arrays.get(parameter.source)
            for parameter in trainable
        }
    finally:
        for weight, value in zip(weights, values, strict=True):
            weight.assign(value)


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep warnings back; TensorFlow logs it where several models are traced in a row."""
    logger = tf.get_logger()
    level = logger.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)


def parameter_names(
    parameters: SimulatorParameters, owner: Callable[[Any], Any] = lambda obj: obj
) -> dict[ParameterKey, str]:
    """
    Return the names of the parameters of a Simulator, by what they belong to.

    Parameters
    ----------
    parameters : SimulatorParameters
        Those of the Simulator.
    owner : callable
        What is taken in the place of an object.
    """
    counts: dict[tuple[Any, str], int] = {}
    names = {}
    for parameter in parameters:
        obj, kind = parameter.obj, parameter.kind
        # nengo makes a new connection for a probe whenever the network is built
        obj = owner(obj.post_obj if kind == "probe weights" else obj)
        number = counts.get((obj, kind), 0)
        counts[obj, kind] = number + 1
        names[obj, kind, number] = parameter.name
    return names


def record(
    network: nengo.Network | nengo_dl.Simulator,
    objects: Iterable[Any],
    data: Any = None,
    n_steps: int | None = None,
) -> dict[Any, np.ndarray]:
    """
    Return the outputs of objects of a network.

    Parameters
    ----------
    network : nengo.Network or nengo_dl.Simulator
        The network; or a Simulator, whose parameters are taken over as they are now. Neither is
        changed, and what is run begins from the initial state.
    objects : iterable of nengo.Ensemble, nengo.Node or nengo_dl.TensorNode
        The objects; of an ensemble its neurons are recorded.
    data : array, list of arrays or dict, optional
        Values of input Nodes, ``(batch, time, size)``; by default those that the Nodes give.
    n_steps : int, optional
        The number of steps; by default that of the data.

    Returns
    -------
    outputs : dict of array
        The outputs of the objects, and those of the probes, ``(batch, time, size)``.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the data does not fit, or if neither data nor ``n_steps`` is given.
    """
    graph = NetworkGraph(network)
    values = check_data(graph, data, n_steps)
    if not values and n_steps is None:
        raise ValidationError("expected data or n_steps, got neither", "data", graph)
    n_items, n_data_steps = next((value.shape[:2] for value in values.values()), (1, None))
    with Recorder(network, objects, minibatch_size=n_items) as recorder:
        return recorder.run(values, n_data_steps if n_steps is None else n_steps)
