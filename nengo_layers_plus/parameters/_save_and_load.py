"""Saves the parameters of a Simulator, and loads them into one."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nengo_layers_plus._declared import as_flag
from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.graph import Shape
from nengo_layers_plus.parameters._errors import (
    ParameterError,
    ParameterMismatchError,
    mismatch_table,
)
from nengo_layers_plus.parameters._given_values import (
    GivenValue,
    GivenValues,
    ScaledResponses,
)
from nengo_layers_plus.parameters._parameter_file import ParameterFile, read_file, write_file
from nengo_layers_plus.parameters._simulator_parameters import (
    SavedParameter,
    SignalArrays,
    SimulatorParameters,
)


@dataclass(frozen=True)
class LoadedParameters:
    """
    What `load_parameters` loaded, and what it did not.

    Parameters
    ----------
    loaded : tuple of str
        Names of the parameters that have the saved values now.
    missing : tuple of str
        Names of parameters of the network that were not saved; they keep their values.
    extra : tuple of str
        Names that were saved and that no parameter of the network has.
    other_shape : Mapping
        By name, the shape that was saved and that of the network, where they differ; these keep
        their values.
    other_amplitude : Mapping
        By the names of gains and biases, the amplitude of the neurons where they were saved and
        here, where they are others and the gains are not scaled in return; these keep their
        values.
    contradicted : Mapping
        By the names of what the network itself gives numbers for, such as ``"hidden.gain"`` or
        ``"hidden.max_rates"``, what was saved and what it gives, in words, where they differ.
        What follows of these keeps its values.
    """

    loaded: tuple[str, ...]
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    other_shape: Mapping[str, tuple[Shape, Shape]] = field(default_factory=dict)
    other_amplitude: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    contradicted: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether all that was saved was loaded, and all of the network."""
        return not any(value for name, value in vars(self).items() if name != "loaded")


def save_parameters(sim: nengo_dl.Simulator, path: str | os.PathLike[str]) -> None:
    """
    Save all that is drawn or learned in a Simulator to a file, by name.

    That is everything in `.NetworkGraph.parameters` (weights of connections, encoders, biases,
    weights and state of Keras layers), the gains of neurons, and the decoders with which probes
    read ensembles. What the network itself says (outputs of Nodes, synapses, time constants,
    where a sparse transform has its values) is not saved, nor the state of a simulation, such as
    voltages.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        An open Simulator of any network.
    path : str or os.PathLike
        The file. The name is used as it is given; ``.safetensors`` is usual.

    Raises
    ------
    ParameterError
        If a learning rule has moved weights differently in the items of the minibatch, or if
        ``path`` is no path.
    nengo.exceptions.SimulatorClosed
        If the Simulator is closed.
    OSError
        If the file can't be written.

    Notes
    -----
    The file does not depend on the minibatch size and on the device. It is in the format of
    safetensors, and holds no code. It is written whole or not at all: a file that is there stays
    as it is until all of the new one is on the disk.

    The weights of a Keras layer that is used in several places are saved once.

    With the values the file has a checksum of them, and what the network itself gave: amplitudes
    of neurons, and numbers for gains, time constants and so on, which `load_parameters` compares
    with those of the network that it loads into.

    Examples
    --------
    >>> import tempfile
    >>> import nengo
    >>> from nengo_layers_plus import CustomLayer, load_parameters, nengo_dl, save_parameters
    >>> def build(seed):
    ...     with nengo.Network(seed=seed) as net:
    ...         nengo.Probe(CustomLayer(nengo.LIFRate(), label="hidden")(nengo.Node([1.0] * 3)))
    ...     return net
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with nengo_dl.Simulator(build(seed=0), progress_bar=False) as sim:
    ...         save_parameters(sim, f"{folder}/weights.safetensors")
    ...         expected = sim.predict(n_steps=1, verbose=0)
    ...     with nengo_dl.Simulator(build(seed=1), progress_bar=False) as sim:
    ...         report = load_parameters(sim, f"{folder}/weights.safetensors")
    ...         found = sim.predict(n_steps=1, verbose=0)
    >>> report.loaded
    ('hidden.encoders', 'hidden.bias', 'hidden.gain')
    >>> [bool((a == b).all()) for a, b in zip(expected.values(), found.values())]
    [True]
    """
    parameters = SimulatorParameters(sim, "save the parameters of")
    kinds = {parameter.name: parameter.kind for parameter in parameters}
    contents = ParameterFile(
        parameters.read(),
        parameters.amplitudes,
        given=GivenValues(parameters).statements,
        trained={parameter.name: parameter.kind for parameter in parameters if parameter.trains},
    )
    write_file(path, contents, kinds)


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
            name: responses.scaled(name)
            for name, parameter in parameters.saved.items()
            if name in arrays and arrays[name].shape == parameter.shape
        }
        contradictions = given.contradictions(fitting, contents)
    report = _compare(parameters, arrays, responses, given, contradictions)
    if strict and not report.complete:
        where = "the mapping" if isinstance(path, Mapping) else os.fspath(path)
        differences = {name: value for name, value in vars(report).items() if name != "loaded"}
        raise ParameterMismatchError(_describe(report, parameters, arrays, where), **differences)
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
    saved = parameters.saved
    other_shape = {
        name: (arrays[name].shape, parameter.shape)
        for name, parameter in saved.items()
        if name in arrays and arrays[name].shape != parameter.shape
    }
    other_amplitude = {
        name: amplitudes
        for name, amplitudes in responses.other_amplitude.items()
        if name in saved and name not in other_shape
    }
    contradicted: dict[str, tuple[str, str]] = {}
    kept = {*other_shape, *other_amplitude}
    for value, was in contradictions.items():
        names = given.kept(value)
        if not other_amplitude.keys() & {*names}:
            contradicted[value.name] = (was, value.in_words)
            kept.update(names)
    return LoadedParameters(
        loaded=tuple(name for name in saved if name in arrays and name not in kept),
        missing=tuple(name for name in saved if name not in arrays),
        extra=tuple(name for name in arrays if name not in saved),
        other_shape=other_shape,
        other_amplitude=other_amplitude,
        contradicted=contradicted,
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
    saved = parameters.saved
    rows = [
        *((name, "-", str(saved[name].shape), "missing") for name in report.missing),
        *((name, str(arrays[name].shape), "-", "extra") for name in report.extra),
        *((name, *map(str, shapes), "other shape") for name, shapes in report.other_shape.items()),
        *(
            (name, *(f"amplitude {amplitude:g}" for amplitude in amplitudes), "other amplitude")
            for name, amplitudes in report.other_amplitude.items()
        ),
        *((name, *values, "given otherwise") for name, values in report.contradicted.items()),
    ]
    table = mismatch_table(rows)
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
        own = name.rpartition(".")[2]
        same = [
            candidate
            for candidate in free
            if parameters.saved[candidate].shape == arrays[name].shape
            and candidate.rpartition(".")[2] == own
        ]
        close = difflib.get_close_matches(name, same, n=1) or (same if len(same) == 1 else [])
        if close:
            guesses[name] = close[0]
            free.remove(close[0])
    return guesses
