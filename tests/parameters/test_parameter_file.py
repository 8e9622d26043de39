"""Files of parameters, those of nengo_dl, and errors about files that are neither."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import shutil
import struct
from pathlib import Path

import nengo
import numpy as np
import pytest
import safetensors
import safetensors.numpy

from nengo_layers_plus import (
    CustomLayer,
    MissingParameterFileError,
    ParameterError,
    ParameterFileError,
    ParameterMismatchError,
    Simulator,
    read_parameters,
)
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.parameters._parameter_file import ParameterFile, read_file, write_file

ARRAYS = {
    "a.bias": np.arange(3, dtype=np.float32),
    "b": np.array(2.5),
    "c/d é": np.arange(12).reshape(3, 4).T,
    "empty": np.zeros((0, 2), np.float16),
    "not finite": np.array([np.nan, np.inf, -np.inf]),
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "parameters.safetensors"
    write_file(path, ParameterFile(ARRAYS), dict.fromkeys(ARRAYS, "bias"))
    return path


def test_arrays_come_back_as_they_were(path):
    found = read_parameters(str(path))
    assert set(found) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert (found[name].shape, found[name].dtype) == (array.shape, array.dtype)
        assert found[name].flags.writeable


def test_metadata(path):
    from importlib.metadata import version

    import nengo_layers_plus

    with safetensors.safe_open(path, "np") as file:
        metadata = file.metadata()
    assert metadata["format"] == "nengo_layers_plus.parameters"
    assert metadata["format_version"] == "1"
    assert metadata["nengo_layers_plus"] == nengo_layers_plus.__version__
    assert (metadata["nengo"], metadata["nengo_dl"]) == (version("nengo"), version("nengo-dl"))
    assert json.loads(metadata["kinds"]) == dict.fromkeys(ARRAYS, "bias")


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("the pickle was run",))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_are_not_run(tmp_path, protocol):
    path = tmp_path / "weights.pkl"
    path.write_bytes(pickle.dumps(Bomb(), protocol))
    with pytest.raises(ParameterFileError, match=r"weights\.pkl is (a pickle|no file of param)"):
        read_parameters(path)


def test_pickles_within_archives_are_not_run(tmp_path):
    np.savez(tmp_path / "a.npz", arr_0=np.array([Bomb()], dtype=object))
    with pytest.raises(ParameterFileError, match=r"sim\.load_params\('.*a'\)"):
        read_parameters(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; save the parameters again"),
        (b"\x93NUMPY\x01\x00", r"is an array of NumPy \(\.npy\)"),
        (b"\x89HDF\r\n\x1a\n    ", "is an HDF5 file"),
        (b"\x1f\x8b\x08 ", "compressed by gzip"),
        (b"a letter to a friend", "does not begin as one. Give a file that save_parameters wrote"),
        (b"\xff" * 7 + b"\x7f{", "not whole, or was damaged"),
    ],
)
def test_files_of_other_kinds(tmp_path, content, message):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ParameterFileError, match=f"{path} .*{message}"):
        read_parameters(path)


def test_archives(tmp_path):
    np.savez(tmp_path / "named.npz", weights=np.ones(2))
    with pytest.raises(ParameterFileError, match=r"a file of numpy\.savez; .*as a dict"):
        read_parameters(tmp_path / "named.npz")


def test_folders_and_files_that_are_not_there(tmp_path, path):
    with pytest.raises(ParameterFileError, match="is a folder"):
        read_parameters(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"parameters; there is .*parameters\.safetensors"):
        read_parameters(tmp_path / "parameters")
    with pytest.raises(MissingParameterFileError, match=r"there is no file nothing\. Names are"):
        read_parameters("nothing")


def test_every_truncated_file_is_an_error(path):
    whole = path.read_bytes()
    for length in {*range(0, len(whole), 7), len(whole) - 1}:
        path.write_bytes(whole[:length])
        with pytest.raises(ParameterFileError, match=str(path)):
            read_parameters(path)
    path.write_bytes(whole + b"more")
    with pytest.raises(ParameterFileError, match="not whole, or was damaged"):
        read_parameters(path)


def test_files_of_other_programs_and_of_later_versions(tmp_path):
    path = tmp_path / "file"
    safetensors.numpy.save_file({"a": np.ones(2)}, path)
    with pytest.raises(ParameterFileError, match="a safetensors file of another program"):
        read_parameters(path)
    safetensors.numpy.save_file(
        {"a": np.ones(2)},
        path,
        {"format": "nengo_layers_plus.parameters", "format_version": "2", "nengo_layers_plus": "9"},
    )
    with pytest.raises(ParameterFileError, match=r"version 2 .* by nengo_layers_plus 9; .* Update"):
        read_parameters(Path(path))


def test_no_length_of_the_header_is_taken_for_another_file(tmp_path):
    path = tmp_path / "file"
    beginnings = set()
    for length in range(1, 900, 8):  # safetensors fills its header up to a multiple of 8
        write_file(path, ParameterFile({"a" * length: np.ones(1)}), {})
        beginnings.add(path.read_bytes()[:2])
        assert list(read_parameters(path)) == ["a" * length]
    assert b"\x80\x02" in beginnings  # that of a pickle


# the file of a version that wrote neither a checksum nor what a network gave
OLD_FILE = (
    b'\xe0\x01\x00\x00\x00\x00\x00\x00{"__metadata__":{"nengo_layers_plus":"0.1.0",'
    b'"nengo":"4.1.0","nengo_dl":"3.6.0","format_version":"1",'
    b'"format":"nengo_layers_plus.parameters","kinds":"{\\"hidden.encoders\\": '
    b'\\"encoders\\", \\"hidden.bias\\": \\"bias\\", \\"hidden.gain\\": \\"gain\\"}",'
    b'"amplitudes":"{\\"hidden.gain\\": 1.0}"},'
    b'"hidden.bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},'
    b'"hidden.encoders":{"dtype":"F32","shape":[2,1],"data_offsets":[8,16]},'
    b'"hidden.gain":{"dtype":"F32","shape":[2],"data_offsets":[16,24]}}  '
    b"\x00\x00\x80>\x00\x00\x80>\x00\x00H\xc2\x00\x00HB\x00\x00HB\x00\x00HB"
)


def test_files_of_the_version_before(tmp_path):
    path = tmp_path / "old"
    path.write_bytes(OLD_FILE)
    found = read_file(path)
    assert {name: value.tolist() for name, value in found.arrays.items()} == {
        "hidden.bias": [0.25, 0.25],
        "hidden.encoders": [[-50.0], [50.0]],
        "hidden.gain": [50.0, 50.0],
    }
    assert found.amplitudes == {"hidden.gain": 1.0}
    assert not found.notes_given


def test_every_flipped_bit_is_an_error_or_changes_nothing(path):
    whole = path.read_bytes()
    before = read_file(path)
    rng = np.random.RandomState(0)
    data_begins = 8 + int.from_bytes(whole[:8], "little")
    in_data = range(data_begins, len(whole))
    for position in [*in_data, *rng.choice(data_begins, 150, replace=False)]:
        changed = bytearray(whole)
        changed[position] ^= 1 << rng.randint(8)
        path.write_bytes(changed)
        with contextlib.suppress(ParameterFileError):
            after = read_file(path)
            assert position < data_begins
            # the name of the checksum itself, or a space behind the header
            assert after.amplitudes == before.amplitudes
            assert after.given == before.given
            for name, array in before.arrays.items():
                np.testing.assert_array_equal(after.arrays[name], array)


def with_header(change, data=b"\0" * 8):
    """Return a file whose header was changed."""
    header = {
        "__metadata__": {"format": "nengo_layers_plus.parameters", "format_version": "1"},
        "a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]},
    }
    change(header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header["__metadata__"].update(amplitudes="[1, 2]"),
        lambda header: header["__metadata__"].update(amplitudes='{"a": "1"}'),
        lambda header: header["__metadata__"].update(amplitudes='{"a": null}'),
        lambda header: header["__metadata__"].update(amplitudes='{"a": [[1], 2]}'),
        lambda header: header["__metadata__"].update(amplitudes='{"a": ' + "[" * 100_000),
        lambda header: header["__metadata__"].update(amplitudes="no JSON"),
        lambda header: header["__metadata__"].update(given='{"a": 1}'),
        lambda header: header["__metadata__"].update(trained="[]"),
        lambda header: header["__metadata__"].update(checksum="0"),
        lambda header: header["__metadata__"].update(amplitudes=1),
        lambda header: header["a"].update(dtype="F8_E4M3", shape=[8]),
        lambda header: header["a"].update(dtype="X"),
        lambda header: header["a"].update(shape=[2]),
        lambda header: header["a"].update(shape=[-1]),
        lambda header: header["a"].update(shape="x"),
        lambda header: header["a"].update(data_offsets=[0, 1 << 62]),
        lambda header: header.update(a=1),
        lambda header: header.update(__metadata__=[1]),
        lambda header: header.update(__metadata__=None),
    ],
)
def test_headers_with_wrong_contents(tmp_path, change):
    path = tmp_path / "file"
    path.write_bytes(with_header(lambda header: None))
    assert read_parameters(path)["a"].tolist() == [0.0]
    path.write_bytes(with_header(change))
    with pytest.raises(ParameterFileError, match=f"{path} is not whole, or was damaged"):
        read_parameters(path)


def test_headers_that_are_no_dict(tmp_path):
    path = tmp_path / "file"
    for text in (b"{" * 200_000, b'{"a":', b"{}", b"{\xff}"):
        path.write_bytes(struct.pack("<Q", len(text)) + text)
        with pytest.raises(ParameterFileError, match=str(path)):
            read_parameters(path)


@pytest.mark.skipif(os.name != "posix", reason="devices and pipes of POSIX")
def test_devices_and_pipes_are_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(ParameterFileError, match="is a device or a pipe, and not a file"):
            read_parameters(path)


@pytest.mark.parametrize("path", [None, 1, ["a"], b"a", "a\0b"])
def test_what_is_no_path(path):
    with pytest.raises(ParameterError, match="expected the path of a file to read, got"):
        read_parameters(path)
    with pytest.raises(ParameterError, match="expected the path of a file to save to, got"):
        write_file(path, ParameterFile(ARRAYS), {})


def test_nengo_dls_name_without_a_suffix(tmp_path):
    np.savez(tmp_path / "x.npz", np.ones(2))
    message = r"there is no file .*x; .*x\.npz is a file of nengo_dl's .* sim\.load_params\('.*x'\)"
    with pytest.raises(MissingParameterFileError, match=message):
        read_parameters(tmp_path / "x")


def test_a_file_that_is_replaced_while_it_is_read(path, monkeypatch):
    """All that is read is of one file, whatever takes its place."""
    other = path.with_name("other")
    write_file(other, ParameterFile({"b": np.ones(1)}), {})
    load = safetensors.numpy.load

    def replace_and_load(data):
        shutil.copy(other, path)
        return load(data)

    monkeypatch.setattr(safetensors.numpy, "load", replace_and_load)
    assert set(read_parameters(path)) == set(ARRAYS)
    assert set(read_parameters(path)) == {"b"}


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
