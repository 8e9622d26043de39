"""Every public call that fails leaves the settings of the process as they were."""

from __future__ import annotations

import contextlib
import gc
import inspect
import locale
import logging
import os
import random
import signal
import sys
import threading
import warnings
from pathlib import Path
from typing import ClassVar

import matplotlib as mpl
import nengo
import numpy as np
import pytest
from matplotlib import pyplot as plt
from nengo.builder import Builder
from tensorflow.python.eager import context

import nengo_layers_plus as nlp
from nengo_layers_plus import CustomLayer, nengo_dl, plot, surrogate, testing
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import NetworkGraph, what_trains
from nengo_layers_plus.layers import Sequential

_MODULES = [
    name
    for name in sys.modules
    if name.partition(".")[0] in ("keras", "tf_keras", "tensorflow", "nengo", "nengo_dl")
]


def settings() -> dict[str, object]:
    """Return all settings of the process that this package or nengo_dl touch."""
    rc = nengo.rc
    loggers = [logging.getLogger(), *logging.Logger.manager.loggerDict.values()]
    numpy_state = np.random.get_state()  # noqa: NPY002
    eager = context.context()
    return {
        # nengo
        "nengo.rc": {name: dict(rc.items(name)) for name in rc.sections()},
        "networks": list(nengo.Network.context),
        "configurations": list(nengo.Config.context),
        "builders": dict(Builder.builders),
        "builders of nengo_dl": dict(nengo_dl.builder.Builder.builders),
        "neurons of nengo_dl": dict(nengo_dl.neuron_builders.SimNeuronsBuilder.TF_NEURON_IMPL),
        "surrogates": surrogate.names(),
        # generators
        "random": random.getstate(),
        "numpy.random": (*numpy_state[:1], numpy_state[1].tolist(), *numpy_state[2:]),
        "seed of TensorFlow": context.global_seed(),
        "seeds of TensorFlow": eager._rng and eager._rng.getstate(),
        # TensorFlow and Keras
        "device": eager.device_name,
        "eager": tf.executing_eagerly(),
        "functions run eagerly": tf.config.functions_run_eagerly(),
        "graph": tf.compat.v1.get_default_graph(),
        "name scope": eager.scope_name,
        "floatx": tf.keras.backend.floatx(),
        "epsilon": tf.keras.backend.epsilon(),
        "image data format": tf.keras.backend.image_data_format(),
        "learning phase": tf.keras.backend.learning_phase(),
        "mixed precision": tf.keras.mixed_precision.global_policy().name,
        "custom objects": dict(tf.keras.utils.get_custom_objects()),
        "strategy": tf.distribute.get_strategy(),
        # Python
        "environment": dict(os.environ),
        # what is imported meanwhile is new, and changes nothing
        "modules": {name: sys.modules.get(name) for name in _MODULES},
        "path": list(sys.path),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "hooks": (sys.excepthook, sys.displayhook, sys.gettrace(), sys.getprofile()),
        "signals": [signal.getsignal(each) for each in signal.valid_signals()],
        "threads": {each for each in threading.enumerate() if each.name.startswith("Thread")},
        "recursion": sys.getrecursionlimit(),
        "collector": (gc.isenabled(), gc.get_threshold()),
        "folder": Path.cwd(),
        "locale": locale.setlocale(locale.LC_ALL),
        "warnings": (list(warnings.filters), warnings.showwarning),
        "loggers": [
            (each.name, each.level, each.disabled, list(each.handlers), list(each.filters))
            for each in loggers
            if isinstance(each, logging.Logger)
        ],
        # NumPy and matplotlib
        "floating point errors": np.geterr(),
        "printing": {k: v for k, v in np.get_printoptions().items() if k != "formatter"},
        "matplotlib": dict(mpl.rcParams),
        "figures": plt.get_fignums(),
    }


class Broken(tf.keras.layers.Layer):
    """A layer that can be put into a network, and fails when a Simulator builds it."""

    def build(self, input_shape):
        raise RuntimeError("broken")

    def compute_output_shape(self, input_shape):
        return input_shape


class BrokenNeurons(nlp.NeuronModel):
    """Neurons that can be put into a network, and fail when it runs."""

    state: ClassVar = {"voltage": 0.0}

    def dynamics(self, xp, dt, current, voltage):
        raise RuntimeError("broken")


class BrokenSolver(nengo.solvers.LstsqL2):
    """A solver for decoders with which nengo itself can't build a network."""

    def __call__(self, *_, **__):
        raise RuntimeError("broken")


class BrokenLayer(CustomLayer):
    """A layer that can be put into a network, and can't be built by nengo."""

    def on_built(self, parts):
        ensemble = nengo.Ensemble(3, 1)
        nengo.Connection(ensemble, nengo.Node(size_in=1), solver=BrokenSolver())


def network(layer_func=None, dtype=None, seed=0):
    with nengo.Network(seed=seed) as net:
        if dtype is not None:
            nengo_dl.configure_settings(dtype=dtype)
        net.node = nengo.Node([1.0, 2.0])
        if not isinstance(layer_func, CustomLayer):
            layer_func = CustomLayer(nengo.LIFRate() if layer_func is None else layer_func)
        net.probe = nengo.Probe(layer_func(net.node))
    return net


def fails(*_):
    raise RuntimeError("broken")


class Example:
    """What the calls are made on."""

    def __init__(self):
        self.net = network()
        self.sim = nlp.Simulator(self.net, minibatch_size=2, progress_bar=False)
        self.sim.compile(tf.optimizers.SGD(0.1), loss="mse")
        self.closed = nlp.Simulator(network(), progress_bar=False)
        self.closed.close()
        self.data = np.ones((2, 3, 2))
        self.to_enter = {
            cls: cls(network(dtype="float64"), device="/cpu:0", progress_bar=False)
            for cls in (nlp.Simulator, nengo_dl.Simulator)
        }
        # where the building fails: in TensorFlow, or before, in nengo
        self.broken = network(Broken(), dtype="float64", seed=None)
        self.unsolvable = network(BrokenLayer(nengo.LIFRate()), seed=None)

    def model(self):
        return tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Softmax()])


@pytest.fixture(scope="module")
def example():
    it = Example()
    yield it
    for sim in (it.sim, *it.to_enter.values()):
        sim.close()


class FailingCallback(tf.keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        raise RuntimeError("broken")


def in_network(make):
    """Return a call that is made in a network."""

    def call(it):
        with network(dtype="float64") as net:
            make(net.node)

    return call


def in_simulator(cls):
    def call(it):
        with it.to_enter[cls] as sim:
            sim.run_steps("many")

    return call


def built_with(cls, **options):
    return lambda it: cls(it.broken, **{"progress_bar": False, "device": "/cpu:0"} | options)


def in_stand_in(it):
    with nlp.tf_keras_as_keras():
        raise RuntimeError("broken")


# the public call, in the first word, and how it fails
CALLS = {
    "Simulator that can't be built": built_with(nlp.Simulator),
    "Simulator that can't be built, with a seed": built_with(nlp.Simulator, seed=3),
    "Simulator that can't be built, with a bar": built_with(nlp.Simulator, progress_bar=True),
    "Simulator of nengo_dl that can't be built": built_with(nengo_dl.Simulator),
    "Simulator of nengo_dl, with a bar": built_with(nengo_dl.Simulator, progress_bar=True),
    "Simulator that nengo can't build": lambda it: nlp.Simulator(it.unsolvable),
    "Simulator of nengo_dl that nengo can't build": lambda it: nengo_dl.Simulator(it.unsolvable),
    "Simulator that fails within": in_simulator(nlp.Simulator),
    "Simulator of nengo_dl that fails within": in_simulator(nengo_dl.Simulator),
    "Simulator of no way of running": built_with(nlp.Simulator, execution="backwards"),
    "Simulator.compile": lambda it: it.sim.compile("no optimizer", loss="mse"),
    "Simulator.fit in a callback": lambda it: it.sim.fit(
        it.data, it.data, shuffle=False, verbose=0, callbacks=[FailingCallback()]
    ),
    "Simulator.fit": lambda it: it.sim.fit(it.data[:1], it.data[:1]),
    "Simulator.train": lambda it: it.sim.train(),
    "Simulator.loss": lambda it: it.sim.loss(),
    "Simulator.get_name": lambda it: it.sim.get_name(3),
    "Simulator.predict": lambda it: it.sim.predict(it.data[..., :1]),
    "Simulator.predict_on_batch": lambda it: it.sim.predict_on_batch(it.data[:1]),
    "Simulator.evaluate": lambda it: it.sim.evaluate(it.data[..., :1], it.data),
    "Simulator.run": lambda it: it.sim.run("long"),
    "Simulator.run_steps": lambda it: it.sim.run_steps(3, data={it.net.node: it.data[..., :1]}),
    "Simulator.step": lambda it: it.sim.step(data=3),
    "Simulator.reset": lambda it: it.sim.reset(seed="x"),
    "Simulator.soft_reset": lambda it: it.closed.soft_reset(),
    "Simulator.trange": lambda it: it.sim.trange(sample_every="x"),
    "Simulator.check_gradients": lambda it: it.sim.check_gradients("outputs"),
    "Simulator.load_params": lambda it: it.sim.load_params("nowhere"),
    "Simulator.save_params": lambda it: it.sim.save_params("/nowhere/at/all"),
    "Simulator.load_parameters": lambda it: it.sim.load_parameters("nowhere"),
    "Simulator.save_parameters": lambda it: it.sim.save_parameters("/nowhere/at/all"),
    "Simulator.get_nengo_params": lambda it: it.sim.get_nengo_params([3]),
    "Simulator.freeze_params": lambda it: it.sim.freeze_params([3]),
    "Simulator.what_trains": lambda it: it.closed.what_trains(),
    "CustomLayer of a class": in_network(lambda x: CustomLayer(tf.keras.layers.Dense)(x)),
    "CustomLayer of a function that fails": in_network(lambda x: CustomLayer(fails)(x)),
    "CustomLayer outside of a network": lambda it: CustomLayer(nengo.LIF())(it.net.node),
    "Sequential": in_network(lambda x: Sequential([nengo.LIF(), fails])(x)),
    "Residual": in_network(lambda x: nlp.Residual([fails])(x)),
    "Block": in_network(lambda x: nlp.Block()(x)),
    "RecurrentNeurons": in_network(lambda x: nlp.RecurrentNeurons(fails)(x)),
    "TunedNeurons": in_network(lambda x: nlp.TunedNeurons(nengo.LIF(), max_rates="x")(x)),
    "ChannelNeurons": in_network(lambda x: nlp.ChannelNeurons(nengo.LIF())(x, shape_in=(3,))),
    "RateControl": in_network(lambda x: nlp.RateControl(CustomLayer(nengo.LIF()), "x")(x)),
    "FiringRates": lambda it: nlp.FiringRates(),
    "Filter": in_network(lambda x: nlp.Filter("x")(x)),
    "Surrogate": lambda it: nlp.Surrogate(nengo.LIF(), 3),
    "NeuronParameter": lambda it: nlp.NeuronParameter(1.0, bounds=3),
    "Trainable": lambda it: nlp.Trainable(bias="x"),
    "from_keras": lambda it: nlp.from_keras(it.model(), neuron=3),
    "from_keras of what is no model": lambda it: nlp.from_keras(3),
    "summary": lambda it: nlp.summary(3),
    "summary of what can't be built": lambda it: nlp.summary(it.broken, n_steps=3),
    "summary of what nengo can't build": lambda it: nlp.summary(it.unsolvable, n_steps=3),
    "summary with other data": lambda it: nlp.summary(it.net, data=it.data[..., :1]),
    "compare": lambda it: nlp.compare(it.net, 3),
    "compare with other data": lambda it: nlp.compare(it.net, it.sim, data=it.data[..., :1]),
    "assert_same": lambda it: nlp.assert_same(it.net, network(nengo.LIF())),
    "to_source": lambda it: nlp.to_source(3),
    "to_source of a closed Simulator": lambda it: nlp.to_source(it.closed),
    "freeze": lambda it: nlp.freeze(it.net, "nothing"),
    "unfreeze": lambda it: nlp.unfreeze(it.net, "nothing"),
    "load_parameters": lambda it: nlp.load_parameters(it.sim, {"x": np.ones(3)}),
    "save_parameters": lambda it: nlp.save_parameters(it.sim, "/nowhere/at/all"),
    "read_parameters": lambda it: nlp.read_parameters("nowhere"),
    "tf_keras_as_keras": in_stand_in,
    "graph.NetworkGraph": lambda it: NetworkGraph(3).parameters,
    "graph.what_trains": lambda it: what_trains(it.unsolvable),
    "testing.check_layer": lambda it: testing.check_layer(CustomLayer(Broken()), (2,)),
    "testing.check_layer of what nengo can't build": lambda it: testing.check_layer(
        BrokenLayer(nengo.LIFRate()), (2,)
    ),
    "testing.check_layer of no layer": lambda it: testing.check_layer(3, (2,)),
    "testing.check_neuron": lambda it: testing.check_neuron(BrokenNeurons()),
    "surrogate.get": lambda it: surrogate.get("nothing"),
    "surrogate.register": lambda it: surrogate.register(3),
    "plot.network": lambda it: plot.network(3),
    "plot.raster": lambda it: plot.raster(3),
    "plot.rates": lambda it: plot.rates(3),
    "plot.tuning": lambda it: plot.tuning(3),
    "plot.history": lambda it: plot.history(3),
    "plot.divergence": lambda it: plot.divergence(3),
}

# calls that build Simulators of their own, which nobody sees
WITHIN = {
    "summary": lambda it: nlp.summary(it.net, n_steps=3),
    "summary of a Simulator": lambda it: nlp.summary(it.sim, n_steps=3),
    "compare": lambda it: nlp.compare(it.net, network(nengo.RectifiedLinear()), data=it.data),
    "to_source": lambda it: nlp.to_source(it.sim),
    "what_trains": lambda it: what_trains(it.net),
    "check_layer": lambda it: testing.check_layer(CustomLayer(nengo.LIFRate()), (2,)),
    "check_neuron": lambda it: testing.check_neuron(nengo.SpikingRectifiedLinear(), n_neurons=2),
}


@contextlib.contextmanager
def nothing_changes():
    random.seed(1)
    tf.keras.utils.set_random_seed(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = settings()
        yield
        after = settings()
    changed = {key: (value, after[key]) for key, value in before.items() if after[key] != value}
    assert not changed


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_fails_leaves_all_settings_as_they_were(example, name, capsys):
    with nothing_changes(), pytest.raises(Exception, match=r"\w"):
        CALLS[name](example)


@pytest.mark.parametrize("name", WITHIN)
def test_so_does_a_call_that_builds_simulators_of_its_own(example, name):
    with nothing_changes():
        WITHIN[name](example)


def test_simulators_without_a_seed_draw_other_ones():
    seeds = []
    for cls in (nlp.Simulator, nengo_dl.Simulator, nlp.Simulator, nengo_dl.Simulator):
        with cls(nengo.Network(), progress_bar=False) as sim:
            seeds.append(sim.seed)
    assert len(set(seeds)) == 4


def test_all_public_calls_are_among_them():
    """New names join the list."""
    tried = {name.split()[0].rpartition(".")[2] for name in CALLS}
    functions = [
        name
        for module in (nlp, plot, testing)
        for name in module.__all__
        if inspect.isfunction(getattr(module, name))
    ]
    methods = [
        name
        for name, each in inspect.getmembers(nlp.Simulator, callable)
        if not name.startswith("_") and name != "close"
    ]
    assert {*functions, *methods} <= tried
    assert len(functions) > 15
    assert len(methods) > 15
