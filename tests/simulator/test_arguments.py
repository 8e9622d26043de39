"""Arguments of a Simulator that can't be used are named."""

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_layers_plus import Simulator, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.parameters import ParameterError

NAN, INF = float("nan"), float("inf")


def network():
    with nengo.Network(seed=0) as net:
        nengo.Probe(nengo.Node([1.0]))
    return net


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("network", ["net", nengo.Network, [], 3, {}]),
        ("dt", [0, -1, NAN, INF, "0.001", None, True, 1j, [0.001]]),
        ("seed", ["x", -1, 2**32, 1.5, True, [0]]),
        ("model", [3, "model", nengo.builder.Model, nengo.Network(add_to_container=False)]),
        (
            "device",
            ["/gpu:77", "/cpu:1", "/tpu:0", "gpu zero", "/cpu:x", "/cpu:0/gpu:0", 0, b"/cpu:0"],
        ),
        ("unroll_simulation", [0, -1, 1.0, "2", None, True, 10**30]),
        ("minibatch_size", [0, -1, 2.0, "2", True, [2], 10**30]),
        ("progress_bar", ["yes", 2, None, [], np.ones(2)]),
        ("execution", ["fast", None, True, ["auto"], np.array(["auto", "auto"])]),
        ("memory_limit", [0, -1, 1e9, "1 GB", True]),
        ("check_numerics", ["yes", 2, None]),
    ],
)
def test_what_can_not_be_used_is_named(name, values):
    for value in values:
        arguments = {"network": network(), "progress_bar": False} | {name: value}
        with pytest.raises(
            ValidationError, match=rf"Simulator\.{name}: expected .+, got "
        ) as caught:
            Simulator(**arguments)
        assert repr(value) in str(caught.value)


@pytest.fixture(scope="module")
def sim():
    with Simulator(network(), progress_bar=False) as sim:
        sim.compile("sgd", "mse")
        yield sim


FLAGS = ["yes", 2, None, [], np.ones(2), tf.ones(2)]
COUNTS = [-1, 1.5, "2", True, [2], np.ones(2), 10**30]
NUMBERS = [-1, NAN, INF, "2", True, [2], np.ones(2), 1j]
OBJECTS = [None, 3, "ensemble", [[]], np.ones(2), network(), nengo.Ensemble]
ENDLESS: list = []
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize(
    ("method", "name", "values"),
    [
        ("compile", "optimizer", [ENDLESS, tf.optimizers.SGD]),
        ("compile", "metrics", [{"probe": ENDLESS}]),
        ("fit", "allow_stopped_gradients", FLAGS),
        ("fit", "epochs", COUNTS),
        ("fit", "initial_epoch", COUNTS),
        ("fit", "shuffle", FLAGS),
        ("predict", "callbacks", [3, [3], iter([]), tf.keras.callbacks.EarlyStopping, ENDLESS]),
        ("fit", "validation_split", [*NUMBERS, 1]),
        ("fit", "x", [ENDLESS]),
        ("fit", "validation_data", [iter([1, 2])]),
        *((method, "stateful", FLAGS) for method in ("fit", "evaluate", "predict", "run_steps")),
        *((method, "verbose", [*FLAGS[:1], *FLAGS[2:]]) for method in ("evaluate", "predict")),
        ("predict_on_batch", "stateful", FLAGS),
        ("predict_on_batch", "x", [ENDLESS, np.ones(2), 3]),
        ("run_steps", "data", [ENDLESS, np.ones(2), 3]),
        ("run_steps", "n_steps", [*COUNTS, None]),
        ("run_steps", "progress_bar", [*FLAGS[:2], *FLAGS[3:]]),
        ("run", "data", [ENDLESS, np.ones(2), 3]),
        ("run", "time_in_seconds", [*NUMBERS, None, 1e300]),
        ("step", "data", [ENDLESS, np.ones(2), 3]),
        ("reset", "include_trainable", FLAGS),
        ("reset", "include_probes", FLAGS),
        ("reset", "include_processes", FLAGS),
        ("trange", "sample_every", [*NUMBERS, 0]),
        ("trange", "dt", [*NUMBERS, 0]),
        ("get_nengo_params", "nengo_objs", OBJECTS),
        ("get_nengo_params", "as_dict", FLAGS),
        ("freeze_params", "objs", OBJECTS),
        ("load_parameters", "strict", FLAGS),
        ("load_params", "include_state", FLAGS),
        ("save_params", "include_state", FLAGS),
        ("check_gradients", "outputs", OBJECTS[1:]),
        ("check_gradients", "atol", [*NUMBERS, None]),
        ("check_gradients", "rtol", [*NUMBERS, None]),
    ],
)
def test_what_a_method_can_not_use_is_named(sim, method, name, values):
    needed = {
        "fit": {"n_steps": 1, "y": np.ones((1, 1, 1))},
        "evaluate": {"n_steps": 1, "y": np.ones((1, 1, 1))},
        "predict": {"n_steps": 1},
        "predict_on_batch": {"n_steps": 1},
        "run_steps": {"n_steps": 1},
        "run": {"time_in_seconds": 0.001},
        "get_nengo_params": {"nengo_objs": []},
        "load_parameters": {"path": {}},
        "load_params": {"path": "/nonexistent/file"},
        "save_params": {"path": "/nonexistent/file"},
    }
    for value in values:
        with pytest.raises(ValidationError, match=rf"^Simulator\.{name}: "):
            getattr(sim, method)(**{**needed.get(method, {}), name: value})


@pytest.mark.parametrize("values", [[1, 2], [], ["a"], [([0.0], [0.0])], [{object(): 1}] * 2])
def test_an_iterator_that_yields_no_arrays_is_named(sim, values):
    with pytest.raises(ValidationError, match=r"^Simulator\.x: expected minibatches of arrays"):
        sim.fit(iter(values))


@pytest.mark.parametrize("path", [None, "", "a\0b", 3, b"file"])
def test_no_file_is_saved_to_what_is_no_path(sim, path):
    for method in (sim.save_params, sim.load_params, sim.save_parameters, sim.load_parameters):
        with pytest.raises(ParameterError, match=r"expected the path of a file .* got"):
            method(path)


def test_a_network_within_another_is_frozen():
    with nengo.Network(seed=0) as net:
        with nengo.Network() as inner:
            ensemble = nengo.Ensemble(3, 1)
        other = nengo.Ensemble(3, 1)
    with Simulator(net, progress_bar=False) as sim:
        sim.freeze_params(inner)
        np.testing.assert_array_equal(ensemble.bias, sim.data[ensemble].bias)
    assert ensemble.bias is not None
    assert other.bias is nengo.Default or other.bias is None


def test_what_has_no_parameters_is_not_frozen(sim):
    for obj in sim.model.toplevel.probes + sim.model.toplevel.nodes:
        with pytest.raises(TypeError, match=r"^Simulator\.objs: expected Network or .* got <"):
            sim.freeze_params([obj])


def test_a_network_or_a_model_is_needed():
    with pytest.raises(ValidationError, match=r"Simulator\.network: .* got None, and no model"):
        Simulator(None)


def test_what_nengo_dl_takes_is_taken():
    model = nengo_dl.builder.NengoModel(dt=0.5**9, builder=nengo_dl.builder.NengoBuilder())
    net = network()
    model.build(net)
    with Simulator(
        None,
        dt=np.float32(0.5**9),
        seed=np.uint32(2**32 - 1),
        model=model,
        device="/device:CPU:0",
        unroll_simulation=np.int64(2),
        minibatch_size=np.int8(3),
        progress_bar=np.False_,
        memory_limit=np.int64(10**9),
        check_numerics=np.False_,
    ) as sim:
        assert sim.predict(n_steps=4, verbose=0)[net.probes[0]].shape == (3, 4, 1)


def test_a_seed_that_is_none_is_refused_before_anything_is_reset():
    with nengo.Network(seed=0) as net:
        noise = nengo.Node(nengo.processes.WhiteNoise(scale=False))
        probe = nengo.Probe(noise)
    with Simulator(net, seed=1, progress_bar=False) as sim:
        sim.run_steps(3)
        for seed in ("x", -1, 1.5):
            with pytest.raises(
                ValidationError, match=r"Simulator\.seed: expected None or an integer"
            ):
                sim.reset(seed=seed)
        assert (sim.n_steps, sim.seed) == (3, 1)
        first = sim.data[probe]
        assert first.shape == (3, 1)
        sim.reset(None, True, True, True)
        sim.run_steps(3)
        np.testing.assert_array_equal(sim.data[probe], first)
