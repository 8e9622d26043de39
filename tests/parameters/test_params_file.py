"""What is said of files of nengo_dl's ``save_params`` that do not fit."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

from nengo_layers_plus import (
    CustomLayer,
    MissingParameterFileError,
    ParameterFileError,
    ParameterMismatchError,
    Simulator,
)
from nengo_layers_plus._upstream import tf


def build(units=3, neurons=4):
    with nengo.Network(seed=0) as net:
        image = nengo.Node(np.ones(neurons), label="image")
        hidden = CustomLayer(nengo.LIF(), label="hidden", synapse=0.01)(image)
        nengo.Probe(CustomLayer(tf.keras.layers.Dense(units), label="output")(hidden))
    return net


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Files of one network, and a Simulator of it and of one with other units."""
    folder = tmp_path_factory.mktemp("params")
    with (
        Simulator(build(), progress_bar=False) as sim,
        Simulator(build(units=2), progress_bar=False) as other,
    ):
        sim.save_params(folder / "plain")
        sim.save_params(folder / "state", include_state=True)
        sim.save_parameters(folder / "named")
        yield folder, sim, other


def values(sim):
    return tf.keras.backend.batch_get_value(sim.keras_model.weights)


def test_names_with_and_without_suffix(saved):
    folder, sim, _ = saved
    expected = values(sim)
    for path in (folder / "plain", str(folder / "plain.npz")):
        tf.keras.backend.batch_set_value(
            [(each, np.zeros(each.shape)) for each in sim.keras_model.weights]
        )
        sim.load_params(path)
        for one, other in zip(values(sim), expected, strict=True):
            np.testing.assert_array_equal(one, other)
    sim.load_params(folder / "state", include_state=True)


def test_other_shapes_are_listed_and_nothing_is_changed(saved):
    folder, _, other = saved
    before = values(other)
    message = r"2 arrays of .*plain\.npz .* do not fit; nothing was changed(.|\n)*save_parameters"
    with pytest.raises(ParameterMismatchError, match=message) as caught:
        other.load_params(folder / "plain")
    assert caught.value.other_shape == {
        "output.kernel": ((4, 3), (4, 2)),
        "output.bias": ((3,), (2,)),
    }
    for one, same in zip(values(other), before, strict=True):
        np.testing.assert_array_equal(one, same)


@pytest.mark.parametrize(
    ("file", "include_state", "message"),
    [("state", False, "give include_state=True"), ("plain", True, "give include_state=False")],
)
def test_another_number_of_arrays(saved, file, include_state, message):
    folder, sim, _ = saved
    with pytest.raises(nengo.exceptions.SimulationError, match=f"Number of saved .*{message}"):
        sim.load_params(folder / file, include_state=include_state)
    np.savez(folder / "more.npz", *map(np.zeros, range(40)))
    with pytest.raises(nengo.exceptions.SimulationError, match=r"\(40\) != .* What to do: load it"):
        sim.load_params(folder / "more", include_state=include_state)


def test_other_files(saved):
    folder, sim, _ = saved
    with pytest.raises(ParameterFileError, match=r"load it with sim\.load_parameters\('.*named'\)"):
        sim.load_params(folder / "named")
    sim.save_parameters(folder / "suffixed.npz")
    message = r"suffixed\.npz is a file of save_param.*sim\.load_parameters\('.*suffixed\.npz'\)$"
    for name in ("suffixed", "suffixed.npz"):
        with pytest.raises(ParameterFileError, match=message):
            sim.load_params(folder / name)
    assert sim.load_parameters(folder / "suffixed").complete
    with pytest.raises(MissingParameterFileError, match=r"there is no file .*none\.npz"):
        sim.load_params(folder / "none")
    whole = (folder / "plain.npz").read_bytes()
    flipped = bytearray(whole)
    flipped[whole.index(b"arr_0.npy") + 60] ^= 1
    contents = {"cut": whole[:-30], "flipped": bytes(flipped), "text": b"text"}
    for name, content in contents.items():
        (folder / f"{name}.npz").write_bytes(content)
        with pytest.raises(ParameterFileError, match=rf"{name}\.npz is not whole, was damaged, or"):
            sim.load_params(folder / name)
    np.savez(folder / "pickled.npz", np.array([{}], dtype=object))
    with pytest.raises(ParameterFileError, match="Object arrays cannot be loaded"):
        sim.load_params(folder / "pickled")
