"""Files of nengo_dl's ``save_params``: arrays in the order of a Simulator's variables, unnamed."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from nengo.exceptions import SimulationError

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph import NetworkGraph, Shape
from nengo_layers_plus.graph._network_graph import variables_of
from nengo_layers_plus.parameters._errors import (
    MissingParameterFileError,
    ParameterError,
    ParameterFileError,
    ParameterMismatchError,
    mismatch_table,
)
from nengo_layers_plus.parameters._parameter_file import check_path, is_parameter_file

_SUFFIX = ".npz"
_MOST_NAMES = 3


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
        raise _missing(path, file)
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


def _missing(path: Any, file: Path) -> ParameterError:
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
