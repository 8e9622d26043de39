"""The file that parameters are kept in: safetensors, with what wrote it in its metadata."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

import numpy as np
import safetensors
import safetensors.numpy

from nengo_layers_plus.parameters._atomic_file import write_atomically
from nengo_layers_plus.parameters._errors import MissingParameterFileError, ParameterFileError

FORMAT = "nengo_layers_plus.parameters"
FORMAT_VERSION = 1

# how files of other kinds begin
_BEGINNINGS = {
    b"\x93NUMPY": "an array of NumPy (.npy)",
    b"\x89HDF\r\n": "an HDF5 file, such as weights of Keras",
    b"\x1f\x8b": "a file that was compressed by gzip",
    **{bytes([0x80, protocol]): "a pickle, which may run any code" for protocol in range(2, 6)},
}


def write_file(
    path: str | os.PathLike[str],
    arrays: Mapping[str, np.ndarray],
    kinds: Mapping[str, str],
    amplitudes: Mapping[str, float] = MappingProxyType({}),
) -> None:
    """
    Write arrays to a file, all or nothing.

    Parameters
    ----------
    path : str or os.PathLike
        Where to.
    arrays : Mapping
        The arrays by name.
    kinds : Mapping
        What each of them is, by name.
    amplitudes : Mapping
        Those of neurons, by the names of their gains.
    """
    from nengo_layers_plus import __version__

    metadata = {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "nengo_layers_plus": __version__,
        "nengo": version("nengo"),
        "nengo_dl": version("nengo-dl"),
        "kinds": json.dumps(dict(kinds)),
        "amplitudes": json.dumps(dict(amplitudes)),
    }
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    write_atomically(path, safetensors.numpy.save(contiguous, metadata))


def read_parameters(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """
    Read the parameters in a file that `save_parameters` wrote.

    Parameters
    ----------
    path : str or os.PathLike
        The file. Nothing in it is run: it is no pickle.

    Returns
    -------
    parameters : dict of numpy.ndarray
        The values by name, to look at, to change, and to give to `load_parameters`.

    Raises
    ------
    ParameterFileError
        If it is another file, or not all of it is there. `MissingParameterFileError`, which is a
        FileNotFoundError too, if there is none.

    Examples
    --------
    Give a layer that had another name when it was saved its new one:

    >>> import tempfile
    >>> import nengo
    >>> from nengo_layers_plus import CustomLayer, Simulator, load_parameters, read_parameters
    >>> def build(label):
    ...     with nengo.Network(seed=0) as net:
    ...         nengo.Probe(CustomLayer(nengo.LIF(), label=label)(nengo.Node([0.0] * 2)))
    ...     return Simulator(net, progress_bar=False)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = f"{folder}/weights.safetensors"
    ...     with build("hidden") as sim:
    ...         sim.save_parameters(path)
    ...     parameters = read_parameters(path)
    >>> sorted(parameters)
    ['hidden.bias', 'hidden.encoders', 'hidden.gain']
    >>> renamed = {name.replace("hidden", "neurons"): value for name, value in parameters.items()}
    >>> with build("neurons") as sim:
    ...     load_parameters(sim, renamed).loaded
    ('neurons.encoders', 'neurons.bias', 'neurons.gain')
    """
    return read_file(path)[0]


def read_file(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """
    Read arrays by name, and the amplitudes of neurons by the names of their gains.

    Raises
    ------
    ParameterFileError
        If it is another file, or not all of it is there.
    """
    _check_kind(path)
    try:
        with safetensors.safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") == FORMAT:
                _check_version(path, metadata)
            names = _names(path, file, metadata)
            arrays = {name: np.array(file.get_tensor(name)) for name in names}
            return arrays, dict(json.loads(metadata.get("amplitudes", "{}")))
    except (safetensors.SafetensorError, TypeError, ValueError) as error:
        if isinstance(error, ParameterFileError):
            raise
        raise ParameterFileError(
            f"{path} is not whole, or was damaged: it begins as a file of parameters does, but "
            f"{error}. Copy it again, or save the parameters again"
        ) from error


def _names(
    path: str | os.PathLike[str], file: safetensors.safe_open, metadata: Mapping[str, str]
) -> list[str]:
    if metadata.get("format") != FORMAT:
        raise ParameterFileError(
            f"{path} is a safetensors file of another program (its metadata has no format="
            f"{FORMAT!r}). If its arrays belong to a network, read them with "
            "safetensors.numpy.load_file, give them the names that "
            "nengo_layers_plus.graph.NetworkGraph shows, and hand the dict to load_parameters"
        )
    return [str(name) for name in file.keys()]  # type: ignore[no-untyped-call]  # noqa: SIM118


def _check_version(path: str | os.PathLike[str], metadata: Mapping[str, str]) -> None:
    found = metadata.get("format_version", "")
    if found != str(FORMAT_VERSION):
        raise ParameterFileError(
            f"{path} has version {found or 'none'} of the format, written by nengo_layers_plus "
            f"{metadata.get('nengo_layers_plus', '?')}; this one reads version {FORMAT_VERSION}. "
            "Update nengo_layers_plus"
        )


def _check_kind(path: str | os.PathLike[str]) -> None:
    """Raise if a file is none of ours, and say what it seems to be."""
    file = Path(path)
    if not file.exists():
        near = [each for each in _similar(file) if each.exists()]
        hint = f"; there is {near[0]}" if near else ""
        raise MissingParameterFileError(
            f"there is no file {path}{hint}. Names are used as they are given, with nothing added"
        )
    if file.is_dir():
        raise ParameterFileError(f"{path} is a folder; give the name of a file in it")
    with file.open("rb") as opened:
        beginning = opened.read(9)
    if not beginning:
        raise ParameterFileError(f"{path} is empty; save the parameters again")
    # a safetensors file, whose first bytes are a length that may look like any of the others
    if beginning[8:] == b"{":
        return
    if zipfile.is_zipfile(file):
        raise ParameterFileError(_describe_zip(file))
    for start, what in _BEGINNINGS.items():
        if beginning.startswith(start):
            raise ParameterFileError(
                f"{path} is {what}. Give a file that save_parameters wrote, or a dict of arrays"
            )
    raise ParameterFileError(
        f"{path} is no file of parameters: it does not begin as one. Give a file that "
        "save_parameters wrote"
    )


def _similar(file: Path) -> list[Path]:
    return [file.with_name(f"{file.name}{suffix}") for suffix in (".safetensors", ".npz")]


def _describe_zip(file: Path) -> str:
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
    if names and all(name.startswith("arr_") for name in names):
        # nengo_dl adds the suffix by itself
        stem = str(file).removesuffix(".npz")
        return (
            f"{file} is a file of nengo_dl's sim.save_params, which has no names of parameters. "
            f"Load it with sim.load_params({stem!r}) into the network that it was saved from, "
            "then save it again with save_parameters"
        )
    if any(name.endswith(".npy") for name in names):
        return (
            f"{file} is a file of numpy.savez; if its names are those of parameters, read it with "
            "numpy.load(path, allow_pickle=False) and hand its arrays to load_parameters as a dict"
        )
    return f"{file} is a zip archive, and no file that save_parameters wrote"
