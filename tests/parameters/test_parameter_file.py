"""What is read of files, and what is said of those that are none of ours."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy

from nengo_layers_plus import MissingParameterFileError, ParameterFileError, read_parameters
from nengo_layers_plus.parameters._parameter_file import write_file

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
    write_file(path, ARRAYS, dict.fromkeys(ARRAYS, "bias"))
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
        write_file(path, {"a" * length: np.ones(1)}, {})
        beginnings.add(path.read_bytes()[:2])
        assert list(read_parameters(path)) == ["a" * length]
    assert b"\x80\x02" in beginnings  # that of a pickle
