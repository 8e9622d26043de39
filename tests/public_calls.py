"""One call of every public function that works, for tests that spoil its arguments."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import nengo
import numpy as np
from wrong_values import answer, inner_error

import nengo_layers_plus as nlplus
from nengo_layers_plus import (
    Block,
    ChannelNeurons,
    CustomLayer,
    Filter,
    RateControl,
    RecurrentNeurons,
    Residual,
    Sequential,
    Simulator,
    Trainable,
    TunedNeurons,
    graph,
    layers,
    neurons,
    parameters,
    plot,
    surrogate,
    synapses,
    testing,
)
from nengo_layers_plus._upstream import tf

Keras = tf.keras.layers


class Scene:
    """A small network, in whose context calls are made, and objects of it."""

    def __init__(self) -> None:
        with nengo.Network(seed=0, label="scene") as self.network:
            self.node = nengo.Node([0.5] * 4, label="node")
            self.ensemble = nengo.Ensemble(3, 1, label="ensemble")
            self.layer = CustomLayer(nengo.LIF(), label="layer")
            self.neurons = self.layer(self.node)
            self.connection = self.layer.calls[0].connection
            self.tensor_node = CustomLayer(Keras.Dense(2), label="dense")(self.neurons)
            self.probe = nengo.Probe(self.tensor_node, label="probe")


@dataclass(frozen=True)
class PublicCall:
    """
    A call that works.

    Parameters
    ----------
    name : str
        The public name, with that of a method behind a dot.
    make : callable
        Takes a Scene, returns the function and its arguments.
    costly : bool
        Whether it takes more than some milliseconds: for `make deep` alone.
    """

    name: str
    make: Callable[[Scene], tuple[Callable[..., Any], dict[str, Any]]]
    costly: bool

    def problem(self, wrong: Mapping[str, Callable[[Scene], Any]]) -> str | None:
        """Make the call with wrong values of some arguments; say how it fails, if it may not."""
        scene = Scene()
        with scene.network:
            function, arguments = self.make(scene)
            values = {name: make(scene) for name, make in wrong.items()}
        # what makes its own networks refuses to be called within one
        with contextlib.nullcontext() if self.name.startswith("testing.") else scene.network:
            error = answer(function, {**arguments, **values})
        return inner_error(error, values, arguments)


CALLS: dict[str, PublicCall] = {}


def public_call(name: str, costly: bool = False) -> Callable[[Any], Any]:
    def add(make: Any) -> Any:
        assert name not in CALLS
        CALLS[name] = PublicCall(name, make, costly)
        return make

    return add


# layers ------------------------------------------------------------------------------------------

SETTINGS = {"ensemble_kwargs": None, "synapse": 0.01, "trainable": None, "label": "a"}


def add_layer(cls: type, arguments: Callable[[], dict[str, Any]], shape_in: Any) -> None:
    """Add the constructor of a layer: it is also shown, called and named."""

    def make(scene: Scene) -> tuple[Callable[..., Any], dict[str, Any]]:
        def function(**kwargs: Any) -> None:
            layer = cls(**kwargs)
            texts = str(layer), repr(layer), layer.name
            assert all(isinstance(text, str) for text in texts)
            layer(scene.node, shape_in=shape_in)
            assert repr(layer)

        return function, arguments()

    public_call(cls.__name__)(make)


add_layer(CustomLayer, lambda: {"layer_func": nengo.LIF(), **SETTINGS}, (2, 2))
add_layer(
    ChannelNeurons,
    lambda: {
        "neuron_type": nengo.LIF(),
        "gain": None,
        "bias": None,
        "max_rates": [100, 200],
        "intercepts": 0,
        **SETTINGS,
    },
    (2, 2),
)
add_layer(Filter, lambda: {"label": "a", **SETTINGS}, None)
add_layer(
    RecurrentNeurons,
    lambda: {
        "neuron_type": nengo.LIF(),
        "recurrent_transform": np.eye(4),
        "recurrent_synapse": 0.005,
        **SETTINGS,
    },
    None,
)
add_layer(
    TunedNeurons,
    lambda: {
        "neuron_type": nengo.LIF(),
        "max_rates": 100,
        "intercepts": 0,
        "amplitude": 0.01,
        **SETTINGS,
    },
    None,
)
BLOCK_SETTINGS = {**SETTINGS, "subnetwork": False}
add_layer(Sequential, lambda: {"layers": [Keras.Dense(3), nengo.LIF()], **BLOCK_SETTINGS}, None)
add_layer(Residual, lambda: {"layers": [nengo.LIF()], "shortcut": None, **BLOCK_SETTINGS}, None)
add_layer(
    RateControl,
    lambda: {"layer": nengo.LIF(), "rate_target": (10, 20), "weight": 0.1, **BLOCK_SETTINGS},
    None,
)


class _Applied(Block):
    def make_output(self, context: Any) -> Any:
        return CustomLayer(nengo.LIF())(context.input, **context.connection_arguments)


add_layer(_Applied, lambda: {"layer_func": None, **BLOCK_SETTINGS}, None)


def _call_arguments(scene: Scene) -> dict[str, Any]:
    return {
        "input": scene.node,
        "transform": 2,
        "shape_in": (2, 2),
        "synapse": None,
        "return_conn": False,
        "label": "a",
    }


@public_call("CustomLayer.__call__")
def _(scene: Scene) -> Any:
    ensemble = {"gain": 1, "bias": 0, "seed": 1, "noise": None, "encoders": np.ones((4, 1))}
    return CustomLayer(nengo.LIF()), {**_call_arguments(scene), **ensemble}


@public_call("CustomLayer.__call__ of curves")
def _(scene: Scene) -> Any:
    ensemble = {"max_rates": 100, "intercepts": 0, "radius": 1, "eval_points": np.ones((2, 1))}
    return CustomLayer(neurons.TrainableLIF()), {
        **_call_arguments(scene),
        **ensemble,
        "tau_rc": 0.02,
        "n_eval_points": None,
        "normalize_encoders": True,
    }


@public_call("CustomLayer.__call__ of a Keras layer")
def _(scene: Scene) -> Any:
    return CustomLayer(Keras.Dense(2)), {**_call_arguments(scene), "shape_out": None}


@public_call("CustomLayer.__call__ of a function")
def _(scene: Scene) -> Any:
    return CustomLayer(tf.nn.relu), {**_call_arguments(scene), "shape_out": (2, 2)}


@public_call("CustomLayer.__call__ of several inputs")
def _(scene: Scene) -> Any:
    return CustomLayer(Keras.Concatenate()), {
        "input": [scene.node, scene.neurons],
        "transform": [1, 1],
        "shape_in": [(4,), (4,)],
        "synapse": [None, 0.01],
    }


@public_call("Sequential.__call__")
def _(scene: Scene) -> Any:
    return Sequential([nengo.LIF(), Keras.Dense(2)]), _call_arguments(scene)


def add_hook(hook: str, value: Any) -> None:
    """Add what a hook of a layer returns."""

    @public_call(f"CustomLayer.{hook}")
    def _(scene: Scene) -> Any:
        def function(**kwargs: Any) -> None:
            (returned,) = kwargs.values()
            cls = type("Hooked", (CustomLayer,), {hook: lambda self, context: returned})
            cls(nengo.LIF())(scene.node)

        return function, {hook.removeprefix("make_"): value}


for _hook, _value in (
    ("make_layer_func", nengo.LIF()),
    ("make_ensemble_kwargs", {"gain": 1, "bias": 0}),
    ("make_synapse", None),
    ("make_trainable", True),
):
    add_hook(_hook, _value)


@public_call("Block.make_output")
def _(scene: Scene) -> Any:
    def function(returned: Any) -> None:
        type("Hooked", (Block,), {"make_output": lambda self, context: returned})()(scene.node)

    return function, {"returned": scene.neurons}


@public_call("Trainable")
def _(scene: Scene) -> Any:
    def function(**kwargs: Any) -> None:
        CustomLayer(neurons.TrainableLIF(), trainable=Trainable(**kwargs))(
            scene.node, transform=np.eye(4)
        )

    return function, {"connection": True, "bias": True, "weights": None, "neuron_parameters": None}


@public_call("Trainable.from_mapping")
def _(scene: Scene) -> Any:
    return Trainable.from_mapping, {"settings": {"bias": True}}


def _report(rates: layers.FiringRates) -> None:
    assert all((str(rates), repr(rates), 0 <= rates.in_target <= 1, 0 <= rates.silent <= 1))


@public_call("FiringRates")
def _(scene: Scene) -> Any:
    return lambda **kwargs: _report(layers.FiringRates(**kwargs)), {
        "rates": np.array([10.0, 20.0]),
        "target": (10, 20),
        "name": "a",
    }


@public_call("FiringRates.from_output")
def _(scene: Scene) -> Any:
    return lambda **kwargs: _report(layers.FiringRates.from_output(**kwargs)), {
        "output": np.ones((2, 3, 4)),
        "amplitude": 0.1,
        "target": (10, 20),
        "name": "a",
    }


@public_call("RateLoss")
def _(scene: Scene) -> Any:
    def function(**kwargs: Any) -> None:
        loss = layers.RateLoss(**kwargs)
        loss(tf.zeros((2, 1, 1)), tf.ones((2, 3, 4)))

    return function, {"low": 1.0, "high": 2.0, "amplitude": 0.1, "weight": 0.5, "name": "a"}


@cache
def _control() -> tuple[RateControl, nengo.Network, Any]:
    control = RateControl(nengo.LIF(), (10, 20))
    with nengo.Network(seed=0, add_to_container=False) as network:
        control(nengo.Node([1.0, 1.0]))
    with Simulator(network, progress_bar=False) as sim:
        data = sim.predict(n_steps=2, verbose=0)
    return control, network, data


@public_call("RateControl.losses")
def _(scene: Scene) -> Any:
    return _control()[0].losses, {"network": _control()[1]}


@public_call("RateControl.targets")
def _(scene: Scene) -> Any:
    return _control()[0].targets, {"network": _control()[1], "n_samples": 2}


@public_call("RateControl.firing_rates")
def _(scene: Scene) -> Any:
    return _control()[0].firing_rates, {"data": _control()[2]}


# neurons and synapses ----------------------------------------------------------------------------


def _simulate(neuron_type: Any, synapse: Any = None) -> None:
    """Run neurons and a synapse in core nengo."""
    with nengo.Network(seed=0, add_to_container=False) as network:
        node = nengo.Node([0.5] * 4)
        ensemble = nengo.Ensemble(4, 1, neuron_type=neuron_type, gain=np.ones(4), bias=np.ones(4))
        nengo.Connection(node, ensemble.neurons, synapse=synapse)
        nengo.Probe(ensemble.neurons)
    with nengo.Simulator(network, progress_bar=False) as sim:
        sim.run_steps(2)


def add_neurons(cls: type, arguments: dict[str, Any]) -> None:
    def make(scene: Scene) -> Any:
        common = {
            "amplitude": 1,
            "initial_state": None,
            "trainable": None,
            "per_neuron": None,
            **{name: getattr(cls(), name) for name in cls.parameters},
            **arguments,
        }
        return lambda **kwargs: (repr(cls(**kwargs)), _simulate(cls(**kwargs))), common

    public_call(cls.__name__)(make)


add_neurons(neurons.CurrentBasedLIF, {"reset": "hard"})
add_neurons(neurons.IntegrateAndFire, {"reset": "soft"})
add_neurons(neurons.LeakyIntegrateAndFire, {"reset": "hard"})
add_neurons(neurons.LeakyIntegrator, {})
add_neurons(neurons.TrainableAdaptiveLIF, {"min_voltage": 0})
add_neurons(neurons.TrainableAdaptiveLIFRate, {})
add_neurons(neurons.TrainableIzhikevich, {})
add_neurons(neurons.TrainableLIF, {"min_voltage": 0})


@public_call("NeuronModel.gain_bias")
def _(scene: Scene) -> Any:
    return neurons.LeakyIntegrateAndFire().gain_bias, {
        "max_rates": np.array([100.0, 150.0]),
        "intercepts": np.array([0.0, 0.1]),
    }


@public_call("NeuronModel.rates")
def _(scene: Scene) -> Any:
    return neurons.LeakyIntegrateAndFire().rates, {"x": 1.0, "gain": np.ones(2), "bias": np.ones(2)}


@public_call("NeuronModel.values_for")
def _(scene: Scene) -> Any:
    return neurons.TrainableLIF().values_for, {"n_neurons": 3}


@public_call("NeuronModel.replace")
def _(scene: Scene) -> Any:
    return neurons.TrainableLIF().replace, {"tau_rc": 0.01, "amplitude": 2}


def add_declaration(name: str, value: Callable[[], Any]) -> None:
    """Add an attribute of the class of a NeuronModel."""

    @public_call(f"NeuronModel.{name}")
    def _(scene: Scene) -> Any:
        def function(**declared: Any) -> None:
            def dynamics(self: Any, xp: Any, dt: Any, current: Any, voltage: Any, tau: Any) -> Any:
                return current / tau, {"voltage": voltage}

            members = {
                "state": {"voltage": nengo.dists.Choice([0])},
                "parameters": {"tau": nlplus.NeuronParameter(0.1)},
                "spiking": False,
                "negative": True,
                "dynamics": dynamics,
            }
            _simulate(type("Declared", (nlplus.NeuronModel,), {**members, **declared})())

        return function, {name: value()}


add_declaration("state", lambda: {"voltage": nengo.dists.Choice([0])})
add_declaration("parameters", lambda: {"tau": nlplus.NeuronParameter(0.1)})
add_declaration("spiking", lambda: True)
add_declaration("negative", lambda: True)
add_declaration(
    "dynamics", lambda: lambda self, xp, dt, current, voltage, tau: (current, {"voltage": voltage})
)
add_declaration("rate_curve", lambda: lambda self, xp, current: current)


@public_call("NeuronParameter")
def _(scene: Scene) -> Any:
    return nlplus.NeuronParameter, {
        "default": 0.1,
        "unit": "s",
        "positive": False,
        "allows_zero": False,
        "bounds": (0, 1),
        "trainable": False,
        "per_neuron": False,
    }


@public_call("NeuronParameter.check")
def _(scene: Scene) -> Any:
    return nlplus.NeuronParameter(0.1).check, {"name": "tau", "value": 0.1, "obj": None}


@public_call("Surrogate")
def _(scene: Scene) -> Any:
    return lambda **kwargs: (
        repr(nlplus.Surrogate(**kwargs)),
        _simulate(nlplus.Surrogate(**kwargs)),
    ), {
        "neuron_type": nengo.LIF(),
        "function": "arctan",
        "through_reset": False,
    }


@public_call("changed")
def _(scene: Scene) -> Any:
    return neurons.changed, {"neuron_type": nengo.LIF(), "amplitude": 0.1, "tau_rc": 0.1}


@public_call("model_in")
def _(scene: Scene) -> Any:
    return neurons.model_in, {"neuron_type": neurons.TrainableLIF()}


@public_call("why_in_python")
def _(scene: Scene) -> Any:
    return neurons.why_in_python, {"neurons": nengo.LIF()}


for _cls in (synapses.TrainableLowpass, synapses.TrainableAlpha):

    @public_call(_cls.__name__)
    def _(scene: Scene, cls: Any = _cls) -> Any:
        def function(**kwargs: Any) -> None:
            assert repr(cls(**kwargs))
            _simulate(nengo.LIF(), cls(**kwargs))

        return function, {"tau": 0.1, "per_unit": None, "trainable": True, "default_dt": 0.001}

    @public_call(f"{_cls.__name__}.replace")
    def _(scene: Scene, cls: Any = _cls) -> Any:
        return cls(0.1).replace, {"tau": 0.2}


# surrogates --------------------------------------------------------------------------------------


@public_call("surrogate.get")
def _(scene: Scene) -> Any:
    return surrogate.get, {"name": "arctan"}


@public_call("surrogate.register")
def _(scene: Scene) -> Any:
    def wrong_step(xp: Any, x: Any, steepness: float = 1.0) -> Any:
        return xp.tanh(steepness * x)

    def function(**kwargs: Any) -> None:
        from nengo_layers_plus.surrogate import _registry

        before = dict(_registry._KINDS)
        try:
            kind = surrogate.register(**kwargs)
            (kind if kwargs["primitive"] is not None else kind(wrong_step))()
        finally:
            _registry._KINDS.clear()
            _registry._KINDS.update(before)

    return function, {"primitive": wrong_step, "slope": None, "source": "a"}


@public_call("surrogate.SurrogateKind.__call__")
def _(scene: Scene) -> Any:
    return surrogate.arctan, {"alpha": 2.0}


@public_call("surrogate.SurrogateFunction.primitive")
def _(scene: Scene) -> Any:
    return surrogate.arctan().primitive, {"x": 1.0}


@public_call("surrogate.SurrogateFunction.slope")
def _(scene: Scene) -> Any:
    return surrogate.arctan().slope, {"x": 1.0}


# graph -------------------------------------------------------------------------------------------


@public_call("graph.NetworkGraph")
def _(scene: Scene) -> Any:
    def function(**kwargs: Any) -> None:
        made = graph.NetworkGraph(**kwargs)
        assert repr(made.objects)
        assert repr(made.parameters)

    return function, {"network": scene.network, "seed": None}


for _name in ("path", "settings", "predecessors", "successors", "value", "default"):

    @public_call(f"graph.NetworkGraph.{_name}")
    def _(scene: Scene, name: str = _name) -> Any:
        made = graph.NetworkGraph(open_simulator() if name == "value" else scene.network)
        arguments = {
            "path": {"obj": scene.ensemble},
            "settings": {"obj": scene.ensemble},
            "predecessors": {"item": made.objects[1]},
            "successors": {"item": made.objects[1]},
            "value": {"parameter": made.parameters[0]},
            "default": {
                "nengo_class": nengo.Ensemble,
                "name": "radius",
                "network": scene.network,
            },
        }
        return getattr(made, name), arguments[name]


@public_call("graph.declare_shape")
def _(scene: Scene) -> Any:
    return graph.declare_shape, {"ensemble": scene.ensemble, "shape": (3,)}


@public_call("graph.gradient_stops")
def _(scene: Scene) -> Any:
    return graph.gradient_stops, {
        "graph": graph.NetworkGraph(open_simulator()),
        "probes": None,
    }


@public_call("graph.shape_of")
def _(scene: Scene) -> Any:
    return graph.shape_of, {"obj": scene.neurons, "network": scene.network}


@public_call("graph.shape_through")
def _(scene: Scene) -> Any:
    return graph.shape_through, {"transform": 1, "shape": (2, 2)}


@public_call("graph.size_of")
def _(scene: Scene) -> Any:
    return graph.size_of, {"shape": (2, 2)}


@public_call("graph.what_trains")
def _(scene: Scene) -> Any:
    return lambda network: str(graph.what_trains(network)), {"network": scene.network}


# parameters --------------------------------------------------------------------------------------


@cache
def _folder() -> Path:
    folder = tempfile.TemporaryDirectory()
    _folder.kept = folder  # type: ignore[attr-defined]
    return Path(folder.name)


@cache
def open_simulator() -> Simulator:
    """Return a Simulator that stays open for all calls."""
    with nengo.Network(seed=0, label="open", add_to_container=False) as network:
        node = nengo.Node([0.5] * 2, label="input")
        hidden = CustomLayer(nengo.RectifiedLinear(), label="hidden")(node)
        nengo.Probe(CustomLayer(Keras.Dense(2), label="output")(hidden), label="probe")
    sim = Simulator(network, progress_bar=False, seed=0, minibatch_size=2)
    sim.compile(tf.optimizers.SGD(0.1), loss="mse")
    parameters.save_parameters(sim, _folder() / "saved")
    return sim


@cache
def saved_file() -> Path:
    open_simulator()
    return next(_folder().glob("saved*"))


@public_call("parameters.freeze")
def _(scene: Scene) -> Any:
    return lambda network, part: parameters.freeze(network, part), {
        "network": scene.network,
        "part": scene.layer,
    }


@public_call("parameters.unfreeze")
def _(scene: Scene) -> Any:
    return lambda network, part: parameters.unfreeze(network, part), {
        "network": scene.network,
        "part": scene.layer,
    }


def in_folder(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let paths that are not absolute be in a folder of the test's own."""

    def inside(**kwargs: Any) -> None:
        before = Path.cwd()
        os.chdir(_folder())
        try:
            function(**kwargs)
        finally:
            os.chdir(before)

    return inside


@public_call("parameters.load_parameters")
def _(scene: Scene) -> Any:
    return in_folder(parameters.load_parameters), {
        "sim": open_simulator(),
        "path": saved_file(),
        "strict": True,
    }


@public_call("parameters.read_parameters")
def _(scene: Scene) -> Any:
    return in_folder(parameters.read_parameters), {"path": saved_file()}


@public_call("parameters.save_parameters")
def _(scene: Scene) -> Any:
    return in_folder(parameters.save_parameters), {
        "sim": open_simulator(),
        "path": _folder() / "other",
    }


# conversion --------------------------------------------------------------------------------------


@cache
def _model() -> Any:
    return tf.keras.Sequential(
        [tf.keras.Input((2,)), Keras.Dense(3, activation="relu"), Keras.Dense(2)]
    )


@cache
def _converted() -> nlplus.KerasNetwork:
    return nlplus.from_keras(_model())


@public_call("from_keras")
def _(scene: Scene) -> Any:
    return nlplus.from_keras, {
        "model": _model(),
        "neuron": nengo.RectifiedLinear(),
        "synapse": None,
        "scale_firing_rates": None,
        "inputs": None,
    }


@public_call("KerasNetwork.present")
def _(scene: Scene) -> Any:
    return _converted().present, {"inputs": np.ones((3, 2)), "n_steps": 2}


@public_call("KerasNetwork.copy_weights_to")
def _(scene: Scene) -> Any:
    return _converted().copy_weights_to, {"target": _model()}


@public_call("KerasNetwork.differences", costly=True)
def _(scene: Scene) -> Any:
    return _converted().differences, {"inputs": np.ones((3, 2)), "n_steps": 1}


@public_call("KerasNetwork.verify", costly=True)
def _(scene: Scene) -> Any:
    return _converted().verify, {"inputs": np.ones((3, 2)), "atol": 1e-5, "n_steps": 1}


for _name in ("inputs", "outputs", "layers", "neurons"):

    @public_call(f"KerasNetwork.{_name}")
    def _(scene: Scene, name: str = _name) -> Any:
        held = getattr(_converted(), name)
        return lambda key: held[key], {"key": next(iter(held))}


# introspection -----------------------------------------------------------------------------------


def _twin() -> nengo.Network:
    with nengo.Network(seed=0, label="twin", add_to_container=False) as network:
        neurons_of = CustomLayer(nengo.LIF(), label="layer")(nengo.Node([0.5] * 4, label="node"))
        nengo.Probe(neurons_of, label="probe")
    return network


@public_call("summary", costly=True)
def _(scene: Scene) -> Any:
    return lambda **kwargs: str(nlplus.summary(**kwargs)), {
        "network": scene.network,
        "data": {scene.node: np.ones((1, 2, 4))},
        "n_steps": 2,
    }


@public_call("summary of a network alone")
def _(scene: Scene) -> Any:
    return lambda **kwargs: str(nlplus.summary(**kwargs)), {"network": scene.network}


for _name in ("row", "details"):

    @public_call(f"Summary.{_name}")
    def _(scene: Scene, name: str = _name) -> Any:
        return getattr(nlplus.summary(scene.network), name), {"name": "layer"}


@public_call("compare", costly=True)
def _(scene: Scene) -> Any:
    one, other = _twin(), _twin()
    return lambda **kwargs: str(nlplus.compare(**kwargs)), {
        "a": one,
        "b": other,
        "data": None,
        "n_steps": 2,
        "loss": None,
        "targets": None,
        "trials": 2,
    }


@public_call("assert_same", costly=True)
def _(scene: Scene) -> Any:
    return nlplus.assert_same, {"a": _twin(), "b": _twin(), "data": None, "n_steps": None}


@public_call("to_source")
def _(scene: Scene) -> Any:
    return lambda **kwargs: nlplus.to_source(**kwargs).code, {"network": scene.network}


@public_call("NetworkSource.build")
def _(scene: Scene) -> Any:
    return nlplus.to_source(_twin()).build, {}


@public_call("NetworkSource.save")
def _(scene: Scene) -> Any:
    return in_folder(nlplus.to_source(_twin()).save), {"path": _folder() / "source.py"}


# plots -------------------------------------------------------------------------------------------


def add_plot(name: str, arguments: Callable[[Scene], dict[str, Any]]) -> None:
    def make(scene: Scene) -> Any:
        def function(**kwargs: Any) -> None:
            try:
                getattr(plot, name)(**kwargs)
            finally:
                plt.close("all")

        return function, {**arguments(scene), "ax": None}

    public_call(f"plot.{name}", costly=True)(make)


@cache
def _comparison() -> nlplus.Comparison:
    other = _twin()
    other.ensembles[0].neuron_type = nengo.LIF(tau_rc=0.1)
    return nlplus.compare(_twin(), other, n_steps=2)


add_plot("divergence", lambda scene: {"comparison": _comparison()})
add_plot("history", lambda scene: {"history": {"loss": [2.0, 1.0]}, "names": ["loss"]})
add_plot("network", lambda scene: {"network": scene.network})
add_plot(
    "raster",
    lambda scene: {"data": np.eye(4), "dt": 0.001, "item": None, "max_neurons": 3},
)
add_plot("rates", lambda scene: {"data": {"a": np.ones((2, 3))}, "amplitude": 1})
add_plot(
    "tuning",
    lambda scene: {"neurons": scene.ensemble, "network": scene.network, "inputs": (-1, 1)},
)


# testing -----------------------------------------------------------------------------------------


@public_call("testing.check_layer", costly=True)
def _(scene: Scene) -> Any:
    return testing.check_layer, {"layer": CustomLayer(nengo.RectifiedLinear()), "input_shape": (2,)}


@public_call("testing.check_neuron", costly=True)
def _(scene: Scene) -> Any:
    return testing.check_neuron, {
        "neurons": neurons.LeakyIntegrator(),
        "dt": 0.001,
        "n_neurons": 2,
        "seed": 0,
    }


# the Simulator -----------------------------------------------------------------------------------


@public_call("Simulator", costly=True)
def _(scene: Scene) -> Any:
    def function(**kwargs: Any) -> None:
        with Simulator(**kwargs) as sim:
            sim.run_steps(1)

    return function, {
        "network": _twin(),
        "dt": 0.001,
        "seed": 0,
        "model": None,
        "device": None,
        "unroll_simulation": 1,
        "minibatch_size": 1,
        "progress_bar": False,
        "execution": "auto",
        "memory_limit": None,
        "check_numerics": False,
    }


def _data() -> dict[str, Any]:
    sim = open_simulator()
    (node,) = sim.node_inputs
    (probe,) = sim.model.probes
    return {"x": {node: np.ones((2, 1, 2))}, "y": {probe: np.zeros((2, 1, 2))}}


SIMULATOR_CALLS: dict[str, Callable[[], dict[str, Any]]] = {
    "compile": lambda: {
        "optimizer": tf.optimizers.SGD(0.1),
        "loss": "mse",
        "metrics": None,
        "loss_weights": None,
        "weighted_metrics": None,
    },
    "fit": lambda: {
        **_data(),
        "n_steps": None,
        "stateful": False,
        "truncation": None,
        "allow_stopped_gradients": False,
        "epochs": 1,
        "verbose": 0,
        "validation_data": None,
        "validation_split": 0.0,
        "sample_weight": None,
        "class_weight": None,
        "shuffle": True,
        "callbacks": None,
        "initial_epoch": 0,
    },
    "evaluate": lambda: {
        **_data(),
        "n_steps": None,
        "stateful": False,
        "verbose": 0,
        "sample_weight": None,
        "callbacks": None,
    },
    "predict": lambda: {
        "x": _data()["x"],
        "n_steps": None,
        "stateful": False,
        "verbose": 0,
        "callbacks": None,
    },
    "predict_on_batch": lambda: {"x": _data()["x"], "n_steps": None, "stateful": False},
    "run": lambda: {"time_in_seconds": 0.001, "data": _data()["x"], "progress_bar": False},
    "run_steps": lambda: {
        "n_steps": 1,
        "data": _data()["x"],
        "progress_bar": False,
        "stateful": True,
    },
    "step": lambda: {"data": _data()["x"], "progress_bar": False, "stateful": True},
    "soft_reset": lambda: {"include_trainable": False, "include_probes": False},
    "reset": lambda: {
        "seed": 0,
        "include_trainable": False,
        "include_probes": True,
        "include_processes": True,
    },
    "trange": lambda: {"sample_every": None, "dt": None},
    "get_name": lambda: {"obj": next(iter(open_simulator().model.probes))},
    "get_nengo_params": lambda: {
        "nengo_objs": open_simulator().model.toplevel.all_ensembles,
        "as_dict": False,
    },
    "freeze_params": lambda: {"objs": open_simulator().model.toplevel},
    "load_parameters": lambda: {"path": saved_file(), "strict": True},
    "save_parameters": lambda: {"path": _folder() / "saved_by_method"},
    "load_params": lambda: {
        "path": _old_file(),
        "include_state": False,
        "include_non_trainable": None,
    },
    "save_params": lambda: {
        "path": _folder() / "old",
        "include_state": False,
        "include_non_trainable": None,
    },
    "check_gradients": lambda: {"inputs": None, "outputs": None, "atol": 1e-4, "rtol": 1e-3},
    "what_trains": dict,
}


@cache
def _old_file() -> Path:
    open_simulator().save_params(str(_folder() / "old_params"))
    return _folder() / "old_params"


for _name, _arguments in SIMULATOR_CALLS.items():

    @public_call(f"Simulator.{_name}", costly=_name in ("fit", "evaluate", "check_gradients"))
    def _(scene: Scene, name: str = _name, arguments: Any = _arguments) -> Any:
        sim = open_simulator()
        if name in ("fit", "evaluate"):
            sim.compile(tf.optimizers.SGD(0.1), loss="mse")
        return in_folder(getattr(sim, name)), arguments()
