"""Loads parameters into a Simulator."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from nengo_layers_plus._declared import as_flag
from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.graph import Table, render
from nengo_layers_plus.parameters._errors import ParameterError, ParameterMismatchError
from nengo_layers_plus.parameters._given_values import GivenValue, GivenValues
from nengo_layers_plus.parameters._loaded_parameters import LoadedParameters
from nengo_layers_plus.parameters._parameter_file import ParameterFile, read_file
from nengo_layers_plus.parameters._scaled_responses import ScaledResponses
from nengo_layers_plus.parameters._signal_arrays import SignalArrays
from nengo_layers_plus.parameters._simulator_parameters import SavedParameter, SimulatorParameters


def load_parameters(
    sim: nengo_dl.Simulator,
    path: str | os.PathLike[str] | Mapping[str, Any],
    strict: bool = True,
) -> LoadedParameters:
    """
    Load parameters that were saved, by name.

    Afterwards the Simulator computes the same function as the one they were saved from, whatever
    seeds its network was built with. ``sim.reset()`` goes back to what was loaded.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        An open Simulator, with any minibatch size and precision.
    path : str, os.PathLike or Mapping
        A file that `save_parameters` wrote, of which the name may lack ``.npz``; or arrays by name,
        such as `read_parameters` returns.
    strict : bool
        Whether all names and shapes must be those of the network, and nothing contradict the
        numbers that it gives itself. If not, what fits is loaded.

    Returns
    -------
    report : LoadedParameters
        What was loaded, and what does not fit.

    Raises
    ------
    ParameterMismatchError
        If ``strict`` is True and something is missing, is extra, has another shape, or is given
        otherwise by the network. The error lists all of it.
    ParameterFileError
        If the file is another one, or not whole.
    ParameterError
        If a value is no number or would be infinite here, or if the Simulator was compiled and
        would have to be built anew, as nengo_dl has built another value into its model.
    nengo.exceptions.SimulatorClosed
        If the Simulator is closed.

    Notes
    -----
    Whenever an error is raised, all values are as they were.

    What the network itself says stays, such as neuron types with their amplitude. Where neurons
    have another amplitude than where they were saved, and gains that are scaled by as much in
    return, as by ``scale_firing_rates`` of `.from_keras`, the gains and biases are scaled.

    So do numbers that the network gives for what trains neither here nor where it was saved:
    ``gain``, ``bias``, ``max_rates``, ``intercepts``, ``encoders`` and ``radius`` of Ensembles,
    transforms, and parameters of types of neurons and synapses. A file that was saved with other
    ones is a mismatch. With ``strict=False`` the network's stay, and so do the gains, biases and
    encoders that follow from them. Distributions of several values are no such numbers. Arrays by
    name are loaded whatever the network says.

    Values are converted to the precision of the Simulator. Values that are not finite are loaded
    as they are.

    What can't train (a frozen bias, for instance) nengo_dl builds into its model as a constant.
    If another value is loaded for it, the Keras model is built anew, so that ``sim.keras_model``
    is another object afterwards.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus import CustomLayer, load_parameters, nengo_dl
    >>> with nengo.Network() as net:
    ...     nengo.Probe(CustomLayer(nengo.LIF(), label="hidden")(nengo.Node([0.0] * 2)))
    <Probe ...>
    >>> with nengo_dl.Simulator(net, progress_bar=False) as sim:
    ...     load_parameters(sim, {"hidden.bias": [1.0, 2.0]}, strict=False).loaded
    ('hidden.bias',)
    """
    parameters = SimulatorParameters(sim, "load parameters into")
    strict = as_flag(strict, "strict", sim)
    contents = _contents_of(path)
    arrays = contents.arrays
    responses = ScaledResponses(parameters, arrays, contents.amplitudes)
    given = GivenValues(parameters)
    contradictions: dict[GivenValue, str] = {}
    if not isinstance(path, Mapping):
        fitting = {
            each.name: responses.scaled(each.name)
            for each in parameters
            if each.name in arrays and arrays[each.name].shape == each.shape
        }
        contradictions = given.contradictions(fitting, contents)
    report = _compare(parameters, arrays, responses, given, contradictions)
    if strict and not report.complete:
        where = "the mapping" if isinstance(path, Mapping) else os.fspath(path)
        raise ParameterMismatchError(
            _describe(report, parameters, arrays, where),
            report.missing,
            report.extra,
            report.other_shape,
            report.other_amplitude,
            report.contradicted,
        )
    dtype = SignalArrays(sim).dtype
    values = {
        name: _convert(responses.scaled(name), parameters.saved[name], dtype)
        for name in report.loaded
    }
    parameters.set(values)
    return report


def _contents_of(source: Any) -> ParameterFile:
    """Return the arrays in a file or mapping, and what was noted beside them."""
    if not isinstance(source, Mapping):
        return read_file(source)
    arrays = {}
    for name, value in source.items():
        if not isinstance(name, str):
            raise ParameterError(f"expected names of parameters as keys, got {name!r}")
        try:
            arrays[name] = np.asarray(value)
        except Exception as error:  # an object of a user may fail in any way
            raise ParameterError(
                f"expected an array of numbers for {name}, got {type(value).__name__} that can't "
                f"be one ({error})"
            ) from error
    return ParameterFile(arrays)


def _compare(
    parameters: SimulatorParameters,
    arrays: Mapping[str, np.ndarray],
    responses: ScaledResponses,
    given: GivenValues,
    contradictions: Mapping[GivenValue, str],
) -> LoadedParameters:
    both = [each for each in parameters if each.name in arrays]
    other_shape = {
        each.name: (arrays[each.name].shape, each.shape)
        for each in both
        if arrays[each.name].shape != each.shape
    }
    other_amplitude = {
        name: amplitudes
        for name, amplitudes in responses.other_amplitude.items()
        if name in parameters.saved and name not in other_shape
    }
    contradicted = {
        each: saved
        for each, saved in contradictions.items()
        if not other_amplitude.keys() & {*given.kept(each)}
    }
    kept = {*other_shape, *other_amplitude}
    kept.update(name for each in contradicted for name in given.kept(each))
    return LoadedParameters(
        loaded=tuple(each.name for each in both if each.name not in kept),
        missing=tuple(each.name for each in parameters if each.name not in arrays),
        extra=tuple(name for name in arrays if name not in parameters.saved),
        other_shape=other_shape,
        other_amplitude=other_amplitude,
        contradicted={each.name: (saved, each.in_words) for each, saved in contradicted.items()},
    )


def _convert(array: np.ndarray, parameter: SavedParameter, dtype: Any) -> np.ndarray:
    """Convert a value to the type of what holds it."""
    if isinstance(parameter.source, tf.Variable):
        dtype = parameter.source.dtype.as_numpy_dtype
    if array.dtype.kind not in "fiub":
        raise ParameterError(
            f"expected numbers for {parameter.name}, got an array of {array.dtype}"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        converted = array.astype(dtype)
    if np.dtype(dtype).kind in "iub" and not np.array_equal(converted, array):
        raise ParameterError(
            f"{parameter.name} holds {np.dtype(dtype).name}, which can't hold the values that "
            f"were given as {array.dtype}"
        )
    if not np.array_equal(np.isfinite(converted), np.isfinite(array)):
        raise ParameterError(
            f"{parameter.name} holds {np.dtype(dtype).name}, in which some of the values that "
            f"were given as {array.dtype} would be infinite. What to do: give values of at most "
            f"{np.finfo(dtype).max:.3g}"
        )
    return converted


def _describe(
    report: LoadedParameters,
    parameters: SimulatorParameters,
    arrays: Mapping[str, np.ndarray],
    where: str,
) -> str:
    rows = [(name, "-", str(parameters.saved[name].shape), "missing") for name in report.missing]
    rows += [(name, str(arrays[name].shape), "-", "extra") for name in report.extra]
    rows += [
        (name, str(found), str(own), "other shape")
        for name, (found, own) in report.other_shape.items()
    ]
    rows += [
        (name, f"amplitude {saved:g}", f"amplitude {own:g}", "other amplitude")
        for name, (saved, own) in report.other_amplitude.items()
    ]
    rows += [
        (name, saved, own, "given otherwise") for name, (saved, own) in report.contradicted.items()
    ]
    table = render([Table(("parameter", "saved", "in the network", "what is wrong"), rows)])
    hints = _renamed(report, parameters, arrays)
    parts = [
        f"{len(rows)} parameters of {where} and of {parameters.graph.network} do not fit; "
        "nothing was changed.",
        table,
    ]
    if hints:
        parts.append(
            "Were labels changed? These may be the same:\n"
            + "\n".join(f"  {old} -> {new}" for old, new in hints.items())
            + "\nIf so, rename them in the dict that read_parameters(path) returns, and load that."
        )
    if report.other_amplitude:
        parts.append(
            "Neurons with another amplitude have the same output if their gains are scaled by as "
            "much, which these are not. strict=False leaves them the gains and biases that they "
            "have; a dict from read_parameters(path) is loaded whatever the amplitude."
        )
    if report.contradicted:
        parts.append(
            "What a network itself gives numbers for is not overridden by a file. What to do: have "
            "the network give what was saved, or nothing. strict=False leaves what it gives, and "
            "gains, biases and encoders that follow from it; a dict from read_parameters(path) is "
            "loaded whatever the network gives."
        )
    parts.append("strict=False loads what fits.")
    return "\n".join(parts)


def _renamed(
    report: LoadedParameters, parameters: SimulatorParameters, arrays: Mapping[str, np.ndarray]
) -> dict[str, str]:
    """Guess which parameters have another name now: same shape, and names that are close."""
    guesses = {}
    free = list(report.missing)
    for name in report.extra:
        same = [
            each
            for each in free
            if parameters.saved[each].shape == arrays[name].shape and _own(each) == _own(name)
        ]
        close = _closest(name, same)
        if close is None and len(same) == 1:
            close = same[0]
        if close is not None:
            guesses[name] = close
            free.remove(close)
    return guesses


def _own(name: str) -> str:
    return name.rpartition(".")[2]


def _closest(name: str, candidates: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, list(candidates), n=1)), None)
