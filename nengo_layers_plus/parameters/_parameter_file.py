"""Files of parameters: those of this package, and those that nengo_dl writes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from nengo.exceptions import SimulationError

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus._version import __version__
from nengo_layers_plus.graph import NetworkGraph, Shape
from nengo_layers_plus.graph._network_graph import variables_of
from nengo_layers_plus.parameters._atomic_file import write_atomically
from nengo_layers_plus.parameters._errors import (
    MissingParameterFileError,
    ParameterError,
    ParameterFileError,
    ParameterMismatchError,
    mismatch_table,
)

FORMAT = "nengo_layers_plus.parameters"
FORMAT_VERSION = 1
_CHECKSUM = "checksum"

# how files of other kinds begin
_BEGINNINGS = {
    b"\x93NUMPY": "an array of NumPy (.npy)",
    b"\x89HDF\r\n": "an HDF5 file, such as weights of Keras",
    b"\x1f\x8b": "a file that was compressed by gzip",
    **{bytes([0x80, protocol]): "a pickle, which may run any code" for protocol in range(2, 6)},
}


@dataclass(frozen=True)
class ParameterFile:
    """
    What a file of parameters holds.

    Parameters
    ----------
    arrays : Mapping
        The arrays by name.
    amplitudes : Mapping
        Those of neurons, by the names of their gains.
    given : Mapping
        What tells values that the network itself gave from others, by name.
    trained : Mapping
        The arrays that trained or learned there, by name, with their kind.
    notes_given : bool
        Whether the two were noted; older files do not say.
    """

    arrays: Mapping[str, np.ndarray]
    amplitudes: Mapping[str, float] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    trained: Mapping[str, str] = field(default_factory=dict)
    notes_given: bool = True


def write_file(
    path: str | os.PathLike[str], contents: ParameterFile, kinds: Mapping[str, str]
) -> None:
    """
    Write arrays to a file, all or nothing.

    Parameters
    ----------
    path : str or os.PathLike
        Where to.
    contents : ParameterFile
        The arrays and what is noted beside them.
    kinds : Mapping
        What the arrays are, by name.
    """
    check_path(path, "to save to")
    metadata = {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "nengo_layers_plus": __version__,
        "nengo": version("nengo"),
        "nengo_dl": version("nengo-dl"),
        "kinds": json.dumps(dict(kinds)),
        "amplitudes": json.dumps(dict(contents.amplitudes)),
        "given": json.dumps(dict(contents.given)),
        "trained": json.dumps(dict(contents.trained)),
    }
    contiguous = {name: np.asarray(array, order="C") for name, array in contents.arrays.items()}
    metadata[_CHECKSUM] = _checksum(contiguous, metadata)
    write_atomically(path, safetensors.numpy.save(contiguous, metadata))


def _checksum(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> str:
    """Return a digest of all in a file, wherever it lies there."""
    digest = hashlib.sha256()
    rest = sorted((key, value) for key, value in metadata.items() if key != _CHECKSUM)
    digest.update(json.dumps(rest).encode())
    for name in sorted(arrays):
        digest.update(json.dumps([name, digest_of(arrays[name])]).encode())
    return digest.hexdigest()


def digest_of(array: np.ndarray) -> str:
    """Return a digest of an array with its type and shape."""
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    digest.update(np.asarray(array, order="C").data)
    return digest.hexdigest()


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
    return dict(read_file(path).arrays)


def read_file(path: str | os.PathLike[str]) -> ParameterFile:
    """
    Read arrays by name, and what was noted beside them.

    Raises
    ------
    ParameterFileError
        If it is another file, not all of it is there, or something of it was changed.
    """
    # all at once: another file may take its place at any time
    data = _read(path)
    try:
        metadata = _metadata_of(path, data)
        loaded = safetensors.numpy.load(data)
        del data  # it may be large
        # copies, as those are read-only
        arrays = {str(name): np.array(loaded.pop(name)) for name in sorted(loaded)}
        amplitudes, given, trained = (
            json.loads(metadata.get(name, "{}")) for name in ("amplitudes", "given", "trained")
        )
        contents = ParameterFile(
            arrays,
            {name: float(value) for name, value in _dict_of(amplitudes, int, float).items()},
            _dict_of(given, str),
            _dict_of(trained, str),
            notes_given="given" in metadata,
        )
        if _CHECKSUM in metadata and metadata[_CHECKSUM] != _checksum(arrays, metadata):
            raise ValueError("its checksum is that of other contents")
    except ParameterFileError:
        raise
    except Exception as error:  # damage shows in errors of many kinds, of this code and of others
        reason = f"it has the type {error}" if isinstance(error, KeyError) else f"{error}"
        raise ParameterFileError(
            f"{path} is not whole, or was damaged: it begins as a file of parameters does, but "
            f"{reason or type(error).__name__}. Copy it again, or save the parameters again"
        ) from error
    return contents


def _metadata_of(path: str | os.PathLike[str], data: bytes) -> Mapping[str, str]:
    """Return the metadata of a file of ours."""
    length = int.from_bytes(data[:8], "little")
    if length > len(data) - 8:
        raise ValueError(f"its header of {length} bytes is not all there")
    metadata = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    if metadata.get("format") != FORMAT:
        raise ParameterFileError(
            f"{path} is a safetensors file of another program (its metadata has no format="
            f"{FORMAT!r}). If its arrays belong to a network, read them with "
            "safetensors.numpy.load_file, give them the names that "
            "nengo_layers_plus.graph.NetworkGraph shows, and hand the dict to load_parameters"
        )
    format_version = metadata.get("format_version", "")
    if format_version != str(FORMAT_VERSION):
        raise ParameterFileError(
            f"{path} has version {format_version or 'none'} of the format, written by "
            f"nengo_layers_plus {metadata.get('nengo_layers_plus', '?')}; this one reads version "
            f"{FORMAT_VERSION}. Update nengo_layers_plus"
        )
    return _dict_of(metadata, str)


def _dict_of(value: Any, *types: type) -> dict[str, Any]:
    """Return a dict if it is one, and its values have some of these very types."""
    if isinstance(value, dict) and all(type(item) in types for item in value.values()):
        return value
    names = " or ".join(kind.__name__ for kind in types)
    raise ValueError(f"a part of its metadata is no dict of {names}")


def check_path(path: Any, purpose: str) -> None:
    """Raise an error if something is no path."""
    name = os.fsdecode(path) if isinstance(path, str | os.PathLike) else ""
    if not name or "\0" in name:
        raise ParameterError(f"expected the path of a file {purpose}, got {path!r}")


def is_parameter_file(path: str | os.PathLike[str]) -> bool:
    """Say whether there is a file of parameters."""
    with contextlib.suppress(ParameterFileError, OSError):
        read_file(path)
        return True
    return False


def _read(path: str | os.PathLike[str]) -> bytes:
    """Return what is in a file of ours; of any other, raise an error that says what it is."""
    check_path(path, "to read")
    file = Path(path)
    suffixed = Path(f"{path}.npz")  # nengo_dl's way to name one
    if not file.exists() and suffixed.is_file() and not zipfile.is_zipfile(suffixed):
        file = suffixed
    try:
        status = file.stat()
    except FileNotFoundError:
        raise _missing(path) from None
    if stat.S_ISDIR(status.st_mode):
        raise ParameterFileError(f"{path} is a folder; give the name of a file in it")
    if not stat.S_ISREG(status.st_mode):
        raise ParameterFileError(
            f"{path} is a device or a pipe, and not a file; give the name of a file"
        )
    with file.open("rb") as opened:
        beginning = opened.read(9)
        if not beginning:
            raise ParameterFileError(f"{path} is empty; save the parameters again")
        # a safetensors file, whose first bytes are a length that may look like any of the others
        if beginning[8:] == b"{":
            return beginning + opened.read()
        if zipfile.is_zipfile(opened):
            raise ParameterFileError(_describe_zip(file))
    for start, kind in _BEGINNINGS.items():
        if beginning.startswith(start):
            raise ParameterFileError(
                f"{path} is {kind}. Give a file that save_parameters wrote, or a dict of arrays"
            )
    raise ParameterFileError(
        f"{path} is no file of parameters: it does not begin as one. Give a file that "
        "save_parameters wrote"
    )


def _missing(path: str | os.PathLike[str]) -> MissingParameterFileError:
    hint = "Names are used as they are given; nothing but .npz is tried behind them"
    for suffix in (".safetensors", ".npz") if Path(path).name else ():
        near = Path(f"{Path(path)}{suffix}")
        if near.is_file():
            is_zip = zipfile.is_zipfile(near)
            hint = _describe_zip(near) if is_zip else f"there is {near}. {hint}"
            return MissingParameterFileError(f"there is no file {path}; {hint}")
    return MissingParameterFileError(f"there is no file {path}. {hint}")


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


# -----------------------------------------------------------------------------
# Files of nengo_dl's ``save_params``: arrays in the order of a Simulator's variables, unnamed

_SUFFIX = ".npz"
_MOST_NAMES = 3  # that the name of a variable is made of


def checked_params_file(sim: nengo_dl.Simulator, path: Any, include_state: bool) -> str:
    """
    Check a file before nengo_dl loads it, which sets some arrays before it finds one that is wrong.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        An open Simulator.
    path : str or os.PathLike
        The file, with or without ``.npz``.
    include_state : bool
        Whether it has the state of the simulation as well.

    Returns
    -------
    path : str
        The file without ``.npz``, as nengo_dl takes it.

    Raises
    ------
    ParameterMismatchError
        If arrays have other shapes than the variables of the Simulator.
    nengo.exceptions.SimulationError
        If they are more or fewer.
    ParameterFileError
        If there is no such file, or it is another one or damaged.
    """
    check_path(path, "that sim.save_params wrote")
    file = Path(f"{path}{_SUFFIX}")
    if not file.exists() and str(path).endswith(_SUFFIX):
        file = Path(path)
    if not file.is_file():
        raise _missing_arrays(path, file)
    shapes = _shapes_in(file)
    variables = list(sim.keras_model.weights)
    if include_state:
        variables += sim.tensor_graph.saved_state.values()
    if len(shapes) != len(variables):
        raise SimulationError(_describe_numbers(sim, file, shapes, variables))
    pairs = list(zip(shapes, [tuple(variable.shape) for variable in variables], strict=True))
    if any(saved != own for saved, own in pairs):
        names = _names(sim, variables)
        raise _mismatch(
            file, sim, {names[i]: pair for i, pair in enumerate(pairs) if pair[0] != pair[1]}
        )
    return str(file).removesuffix(_SUFFIX)


def _shapes_in(file: Path) -> list[Shape]:
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
            return [tuple(arrays[f"arr_{number}"].shape) for number in range(len(arrays.files))]
    except (zipfile.BadZipFile, zlib.error, ValueError, TypeError, LookupError, EOFError) as error:
        if is_parameter_file(file):
            raise _named(file) from None
        raise ParameterFileError(
            f"{file} is not whole, was damaged, or is no file of sim.save_params: {error}. What to "
            "do: copy it again, or save the parameters again"
        ) from error


def _missing_arrays(path: Any, file: Path) -> ParameterError:
    if is_parameter_file(path):
        return _named(path)
    return MissingParameterFileError(
        f"there is no file {file}. What to do: give the name that sim.save_params was given"
    )


def _named(path: Any) -> ParameterFileError:
    return ParameterFileError(
        f"{path} is a file of save_parameters. What to do: load it with "
        f"sim.load_parameters({str(path)!r})"
    )


def _names(sim: nengo_dl.Simulator, variables: Sequence[Any]) -> list[str]:
    """Name variables by the parameters that they hold."""
    held = list(variables_of(NetworkGraph(sim)).values())  # the state holds none
    names = []
    for number, variable in enumerate(variables):
        own = [name for name, _ in held[number]] if number < len(held) else []
        shown = ", ".join(own[:_MOST_NAMES]) or str(variable.name)
        more = len(own) - _MOST_NAMES
        names.append(f"{shown} and {more} more" if more > 0 else shown)
    return names


def _mismatch(
    file: Path, sim: nengo_dl.Simulator, other_shape: Mapping[str, tuple[Shape, Shape]]
) -> ParameterMismatchError:
    rows = [(name, *map(str, shapes), "other shape") for name, shapes in other_shape.items()]
    return ParameterMismatchError(
        f"{len(rows)} arrays of {file} and of {sim.model.toplevel} do not fit; nothing was "
        f"changed.\n{mismatch_table(rows)}\nThe file has no names, and its arrays are taken in "
        "order. What to do: load it into the network that it was saved from, unchanged, and save "
        "it with sim.save_parameters; of its file sim.load_parameters(path, strict=False) loads "
        "what fits.",
        other_shape=other_shape,
    )


def _describe_numbers(
    sim: nengo_dl.Simulator, file: Path, shapes: Sequence[Shape], variables: Sequence[Any]
) -> str:
    n_weights = len(sim.keras_model.weights)
    n_state = len(sim.tensor_graph.saved_state)
    words = (
        f"Number of saved parameters in {file} ({len(shapes)}) != number of variables in the model "
        f"({len(variables)}); nothing was changed. "
    )
    if {len(shapes), len(variables)} == {n_weights, n_weights + n_state}:
        other = len(variables) == n_weights
        return f"{words}What to do: give include_state={other}, as it seems to have been saved so"
    return (
        f"{words}Its arrays have the shapes {', '.join(map(str, shapes))}, and the variables "
        f"{', '.join(str(tuple(variable.shape)) for variable in variables)}. What to do: load it "
        "into the network that it was saved from, unchanged, and save it with "
        "sim.save_parameters, whose files have names"
    )
