"""What Keras and TensorFlow save of a Simulator's model, and whether it runs in another process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nengo
import numpy as np
import pytest
from nengo.exceptions import SimulationError, SimulatorClosed

from nengo_layers_plus import CustomLayer, Simulator
from nengo_layers_plus._upstream import nengo_dl, tf

X = np.random.RandomState(0).uniform(size=(2, 5, 3)).astype(np.float32)
Y = np.ones((2, 5, 4), np.float32)
SIMULATORS = {"ours": Simulator, "nengo_dl": nengo_dl.Simulator}


def open_simulator(cls, minibatch_size=2):
    """Open a Simulator with a layer, layers within a layer, and two arrays of one shape."""
    tf.keras.utils.set_random_seed(0)
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(planner=nengo_dl.graph_optimizer.noop_planner)
        layers = [tf.keras.layers.Dense(4), tf.keras.layers.Dense(4)]
        x = CustomLayer(tf.keras.Sequential(layers))(nengo.Node(np.ones(3)))
        for _ in range(2):
            ensemble = nengo.Ensemble(4, 1, neuron_type=nengo.RectifiedLinear(amplitude=0.01))
            nengo.Connection(x, ensemble.neurons, transform=np.eye(4), synapse=0.01)
            x = ensemble.neurons
        net.probe = nengo.Probe(x)
    sim = cls(net, minibatch_size=minibatch_size, seed=0, progress_bar=False)
    sim.compile(tf.optimizers.SGD(0.1), loss="mse")
    return sim, net.probe


def keep_weights(folder):
    return tf.keras.callbacks.ModelCheckpoint(f"{folder}/while_training", save_weights_only=True)


def keep_backup(folder):
    return tf.keras.callbacks.BackupAndRestore(f"{folder}/backup", delete_checkpoint=False)


def save(sim, folder):
    sim.keras_model.save_weights(f"{folder}/tensorflow")
    sim.keras_model.save_weights(f"{folder}/legacy.h5")
    sim.keras_model.save_weights(f"{folder}/new.weights.h5")
    tf.train.Checkpoint(model=sim.keras_model).write(f"{folder}/checkpoint")


LOAD = {
    "TensorFlow": lambda model, folder: model.load_weights(f"{folder}/tensorflow"),
    "h5": lambda model, folder: model.load_weights(f"{folder}/legacy.h5"),
    "weights.h5": lambda model, folder: model.load_weights(f"{folder}/new.weights.h5"),
    "checkpoint": lambda model, folder: (
        tf.train.Checkpoint(model=model).read(f"{folder}/checkpoint").assert_consumed()
    ),
    "while training": lambda model, folder: model.load_weights(f"{folder}/while_training"),
    "backup": lambda *_: None,  # by the callback, when training goes on
}
# after a backup a model of Keras alone does not train again
WAYS = [(name, way) for name in SIMULATORS for way in LOAD if (name, way) != ("nengo_dl", "backup")]


def use(sim, probe, **options):
    """Return the parameters, what they put out, and the losses of two more epochs."""
    if options:  # which load the parameters
        losses = sim.fit(X, Y, verbose=0, **options).history["loss"]
        return {"losses": losses}
    found = {f"weight {i}": each for i, each in enumerate(sim.keras_model.get_weights())}
    found["output"] = sim.predict(X, verbose=0)[probe]
    return found | {"losses": sim.fit(X, Y, epochs=2, verbose=0).history["loss"]}


def use_in_another_process(folder):
    """Load all that was saved, and write down what comes of it; called in a new process."""
    for name, cls in SIMULATORS.items():
        path = Path(folder, name)
        sim, probe = open_simulator(cls)
        with sim:
            for way in [way for other, way in WAYS if other == name]:
                for each in sim.keras_model.weights:
                    each.assign(tf.zeros_like(each))
                LOAD[way](sim.keras_model, path)
                options = {}
                if way == "backup":  # training goes on after the first epoch
                    options = {"epochs": 3, "callbacks": [keep_backup(path)]}
                np.savez(path / f"{way}.npz", **use(sim, probe, **options))
        exported = tf.saved_model.load(f"{path}/exported")
        served, _ = exported.serve([X, np.full((2, 1), 5, np.int32)])
        np.save(path / "served.npy", served)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Train two Simulators and save them; return what they do, and the folder."""
    folder = tmp_path_factory.mktemp("saved")
    expected = {}
    for name, cls in SIMULATORS.items():
        path = folder / name
        sim, probe = open_simulator(cls)
        with sim:
            keep = [keep_weights, keep_backup] if cls is Simulator else [keep_weights]
            sim.fit(X, Y, callbacks=[each(path) for each in keep], verbose=0)
            save(sim, path)
            sim.keras_model.export(f"{path}/exported")
            expected[name] = use(sim, probe)
    here = Path(__file__).parent
    command = f"import test_checkpoints as t; t.use_in_another_process({str(folder)!r})"
    paths = [str(here.parent.parent), str(here)]
    subprocess.run(
        [sys.executable, "-c", command],
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
    )
    return expected, folder


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_all_that_is_saved_is_loaded(saved, name, way):
    expected, folder = saved
    with np.load(folder / name / f"{way}.npz") as found:
        assert set(found) == ({"losses"} if way == "backup" else set(expected[name]))
        for key, value in found.items():
            np.testing.assert_allclose(value, expected[name][key], rtol=1e-6, err_msg=key)


@pytest.mark.parametrize("name", SIMULATORS)
def test_an_exported_model_runs_in_another_process(saved, name):
    expected, folder = saved
    served = np.load(folder / name / "served.npy")
    np.testing.assert_array_equal(served, expected[name]["output"])


@pytest.fixture(scope="module", params=SIMULATORS)
def sim(request):
    sim, probe = open_simulator(SIMULATORS[request.param])
    with sim:
        yield sim, probe


def test_a_checkpoint_has_the_state_of_the_simulation(sim, tmp_path):
    sim, probe = sim
    sim.run_steps(5)
    tf.train.Checkpoint(model=sim.keras_model).write(tmp_path / "state")
    expected = sim.predict_on_batch(n_steps=5)[probe]
    sim.reset()
    assert abs(sim.predict_on_batch(n_steps=5)[probe] - expected).max() > 1e-3
    tf.train.Checkpoint(model=sim.keras_model).read(tmp_path / "state").assert_consumed()
    for _ in range(2):
        np.testing.assert_array_equal(sim.predict_on_batch(n_steps=5)[probe], expected)
    assert sim.n_steps == 5


def test_parameters_are_loaded_for_another_minibatch(sim, tmp_path):
    sim, _ = sim
    sim.keras_model.save_weights(tmp_path / "weights")
    other, _ = open_simulator(type(sim), minibatch_size=3)
    with other:
        for each in other.keras_model.weights:
            each.assign(tf.zeros_like(each))
        with pytest.warns(UserWarning, match="that of another minibatch_size .* was not loaded"):
            other.keras_model.load_weights(tmp_path / "weights")
        for one, expected in zip(
            other.keras_model.get_weights(), sim.keras_model.get_weights(), strict=True
        ):
            np.testing.assert_array_equal(one, expected)


def test_a_simulator_that_is_closed_says_so(tmp_path):
    sim, _ = open_simulator(nengo_dl.Simulator)
    sim.close()
    for call in (lambda: sim.load_params(tmp_path / "weights"), sim.check_gradients):
        with pytest.raises(SimulatorClosed, match=r"Cannot call \w+ after"):
            call()


def test_a_file_of_another_network_is_refused(sim, tmp_path):
    sim, _ = sim
    with nengo.Network() as net:
        nengo.Probe(nengo.Ensemble(4, 1).neurons)
    with type(sim)(net, progress_bar=False) as other:
        other.keras_model.save_weights(tmp_path / "other.weights.h5")
    with pytest.raises(ValueError, match="expected a file with 8 arrays of parameters"):
        sim.keras_model.load_weights(tmp_path / "other.weights.h5")


def test_a_file_of_the_other_class_of_simulator_is_refused_in_words(tmp_path):
    (ours, _), (stock, _) = map(open_simulator, SIMULATORS.values())
    with ours, stock:
        for one, other in ((ours, stock), (stock, ours)):
            one.keras_model.save_weights(tmp_path / "new.weights.h5")
            with pytest.raises(
                ValueError, match=r"of the same class(.|\n)*save_weights\(\"w\.h5\"\)"
            ):
                other.keras_model.load_weights(tmp_path / "new.weights.h5")
            one.keras_model.save_weights(str(tmp_path / "w.h5"))
            weights = one.keras_model.get_weights()
            other.keras_model.set_weights([0 * each for each in weights])
            other.keras_model.load_weights(str(tmp_path / "w.h5"))
            for each, expected in zip(other.keras_model.get_weights(), weights, strict=True):
                np.testing.assert_array_equal(each, expected)


WHOLE = {
    "keras": lambda model, path: model.save(path / "m.keras"),
    "h5": lambda model, path: model.save(path / "m.h5"),
    "save_model": lambda model, path: tf.keras.models.save_model(model, path / "m.keras"),
    "saved_model": lambda model, path: tf.saved_model.save(model, path / "m"),
    "json": lambda model, _: model.to_json(),
}


@pytest.mark.parametrize("way", WHOLE)
def test_whole_models_are_refused_in_one_line(sim, tmp_path, way):
    sim, _ = sim
    with pytest.raises(SimulationError, match=r"save_parameters.*export") as caught:
        WHOLE[way](sim.keras_model, tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
