"""Saves the parameters of a Simulator, and loads them into one."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nengo_layers_plus._declared import as_flag
from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.graph import Shape, Table, render
from nengo_layers_plus.parameters._errors import ParameterError, ParameterMismatchError
from nengo_layers_plus.parameters._given_values import GivenValue, GivenValues
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
        return not (
            self.missing
            or self.extra
            or self.other_shape
            or self.other_amplitude
            or self.contradicted
        )


class ScaledResponses:
    """
    Compares amplitudes, which a network says itself, with those beside the saved gains.

    Neurons that fire ``s`` times as fast, and of which each spike counts ``1 / s`` as much, are
    the same neurons for the layers behind them (exactly so if their rate is linear). Their gains
    and biases are ``s`` times those that were saved, and so are their encoders, which are kept as
    nengo has them, times the gains. With another amplitude and no such gains they are other
    neurons.

    Parameters
    ----------
    parameters : SimulatorParameters
        Those of the network.
    arrays : Mapping
        What was saved.
    amplitudes : Mapping
        Those of the neurons where it was saved, by the names of their gains.

    Attributes
    ----------
    scales : dict
        By how much to scale what was saved, by name.
    other_amplitude : dict
        By name, the amplitude that was saved and that of the network, of gains and biases that
        can't be loaded.
    """

    def __init__(
        self,
        parameters: SimulatorParameters,
        arrays: Mapping[str, np.ndarray],
        amplitudes: Mapping[str, float],
    ) -> None:
        self._arrays = arrays
        self.scales: dict[str, float] = {}
        self.other_amplitude: dict[str, tuple[float, float]] = {}
        own_amplitudes = parameters.amplitudes
        changed = {
            name: (saved, own_amplitudes[name])
            for name, saved in amplitudes.items()
            if name in arrays and own_amplitudes.get(name, saved) != saved
        }
        gains = parameters.read_some(changed)
        for name, (saved, own) in changed.items():
            stem = name.removesuffix("gain")
            names = [each for each in (name, f"{stem}bias", f"{stem}encoders") if each in arrays]
            scale = saved / own if own else np.nan
            scaled = arrays[name] * scale
            if gains[name].shape == scaled.shape and np.allclose(gains[name], scaled, rtol=1e-4):
                self.scales.update(dict.fromkeys(names, scale))
            else:
                self.other_amplitude.update(dict.fromkeys(names, (saved, own)))

    def scaled(self, name: str) -> np.ndarray:
        """Return what was saved, scaled for the neurons here."""
        array = self._arrays[name]
        return array * self.scales[name] if name in self.scales else array


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
    kinds = {each.name: each.kind for each in parameters}
    contents = ParameterFile(
        parameters.read(),
        parameters.amplitudes,
        given=GivenValues(parameters).statements,
        trained={each.name: each.kind for each in parameters if each.trains},
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
