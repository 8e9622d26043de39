"""All that is drawn or learned in a Simulator, by name: read and set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import nengo
import numpy as np
from nengo.builder import Signal
from nengo.builder.operator import Reset
from nengo.exceptions import SimulatorClosed
from nengo.neurons import Direct

from nengo_layers_plus._declared import ParameterSignal
from nengo_layers_plus._upstream import (
    build_again,
    find_gain_scales,
    find_gain_signals,
    nengo_dl,
    set_initial_value,
    tf,
)
from nengo_layers_plus.graph import NetworkGraph, Shape
from nengo_layers_plus.graph._parameters import initial_value, is_state_of_simulation
from nengo_layers_plus.graph._words import unique_name
from nengo_layers_plus.parameters._errors import ParameterError


class SignalArrays:
    """
    Reads and sets the values of signals, with one transfer for each array that holds some.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        An open Simulator.
    """

    def __init__(self, sim: nengo_dl.Simulator) -> None:
        self.tensor_graph = sim.tensor_graph
        self.signals = self.tensor_graph.signals
        self.dtype = tf.as_dtype(self.tensor_graph.dtype).as_numpy_dtype
        self.variables = {**self.tensor_graph.saved_state, **self.tensor_graph.base_params}
        self._now: dict[Any, np.ndarray] = {}
        self._first: dict[Any, np.ndarray] = {}

    def get(self, signal: Signal) -> np.ndarray | None:
        """Return the value of a signal, ``(batch, size, ...)`` if items have their own, or None."""
        held = self._held(signal)
        return None if held is None else self._array(held.key)[_rows(held)].copy()

    def put(self, signal: Signal, value: np.ndarray, first: bool = True) -> None:
        """
        Set the value of a signal; of one for which items have their own, that of all.

        Parameters
        ----------
        signal : nengo.builder.Signal
            The signal. One that nengo_dl left out is left alone.
        value : array
            Its value.
        first : bool
            Whether it is also the value that ``sim.reset`` goes back to.
        """
        held = self._held(signal)
        if held is None:
            return
        rows, array = _rows(held), self._array(held.key)
        array[rows] = np.broadcast_to(value, array[rows].shape) if first else value
        if first:
            self._first_array(held.key)[rows] = array[rows]

    def take_over(self, before: SignalArrays) -> None:
        """Set all that learns or changes over time as it was in a Simulator built before."""
        written = {
            signal.base
            for operators in self.tensor_graph.plan
            for operator in operators
            for signal in (*operator.sets, *operator.incs, *operator.updates)
        }
        for signal in list(self.signals):
            if signal.is_view or (signal.trainable is None and signal not in written):
                continue
            value = before.get(signal)
            if value is not None:
                self.put(signal, value, first=False)
        layers = (getattr(sim.tensor_graph, "state_of_layers", ()) for sim in (self, before))
        for key, key_before in zip(*layers, strict=True):
            self._now[key] = before._array(key_before)

    def assign(self, undo: ExitStack) -> None:
        """Hand what was set to TensorFlow; ``undo`` is told how to take it back."""
        initial_values = self.tensor_graph.initial_values
        for key, array in self._now.items():
            undo.callback(self.variables[key].assign, self.variables[key].numpy())
            self.variables[key].assign(array)
        for key, array in self._first.items():
            undo.callback(initial_values.__setitem__, key, initial_values[key])
            initial_values[key] = tf.constant_initializer(array)

    def _held(self, signal: Signal) -> Any:
        """Return where a signal is held; None if nowhere."""
        held = self.signals.get(signal)
        return held if held is not None and held.key in self.variables else None

    def _array(self, key: Any) -> np.ndarray:
        if key not in self._now:
            self._now[key] = np.array(tf.keras.backend.get_value(self.variables[key]))
        return self._now[key]

    def _first_array(self, key: Any) -> np.ndarray:
        if key not in self._first:
            variable = self.variables[key]
            begun = self.tensor_graph.initial_values[key](variable.shape, dtype=variable.dtype)
            self._first[key] = np.array(tf.keras.backend.get_value(begun))
        return self._first[key]


def _rows(held: Any) -> Any:
    """Return the index of a signal in the array that holds it."""
    parts = [np.arange(start, stop) for start, stop in held.slices]
    rows = np.concatenate(parts) if len(parts) != 1 else slice(*held.slices[0])
    return (slice(None), rows) if held.minibatched else rows


# which parameters of Simulators hold what was loaded, by the id of their object and their kind
_loaded: WeakKeyDictionary[nengo_dl.Simulator, set[tuple[int, str]]] = WeakKeyDictionary()
# how far items of a minibatch that see the same may be apart, as a part of the largest value
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class SavedParameter:
    """
    An array that is saved.

    Parameters
    ----------
    name : str
        Its name.
    kind : str
        That of a `Parameter`, ``"gain"`` or ``"probe weights"``.
    shape : tuple of int
        Its shape, without the minibatch.
    obj : NengoObject
        What it belongs to.
    source : nengo.builder.Signal, tf.Variable or None
        What holds it; None for gains, of which each connection holds some.
    trains : bool
        Whether an optimiser or a learning rule changes it.
    """

    name: str
    kind: str
    shape: Shape
    obj: Any
    source: Any
    trains: bool = False


def is_learned(source: Any) -> bool:
    """Say whether a learning rule of nengo changes it; nengo_dl holds values for every item."""
    return bool(getattr(source, "minibatched", False))


def was_loaded(sim: nengo_dl.Simulator | None, obj: Any, kind: str) -> bool:
    """Say whether a kind of parameters of an object was loaded into a Simulator."""
    return sim is not None and (id(obj), kind) in _loaded.get(sim, ())


class SimulatorParameters:
    """
    The arrays of a Simulator that make up the function it computes.

    Besides what could train (`NetworkGraph.parameters`), these are the gains of neurons, which
    scale what is connected to them directly, and the decoders with which probes read ensembles.
    What the network itself says (outputs of Nodes, synapses, time constants, where a sparse
    transform has its values) and the state of a simulation (voltages, filtered values) are not
    among them.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        An open Simulator.
    what : str
        What is being done, for the error if it is closed.
    """

    def __init__(self, sim: nengo_dl.Simulator, what: str) -> None:
        if not isinstance(sim, nengo_dl.Simulator):
            raise ParameterError(
                f"expected a nengo_dl.Simulator to {what}, got {sim!r}; a network holds no values "
                "before a Simulator is made of it"
            )
        if sim.closed:
            raise SimulatorClosed(
                f"can't {what} a Simulator that is closed, as its values are gone; do it inside "
                "its `with` block, or before sim.close()"
            )
        self.sim = sim
        self._look_up()

    def _look_up(self) -> None:
        self.graph = NetworkGraph(self.sim)
        self.gains = _gains_of(self.sim.model, self.graph)
        self.saved = {parameter.name: parameter for parameter in self._list()}
        self._written = {
            signal.base
            for operator in self.sim.model.operators
            if not isinstance(operator, Reset)
            for signal in (*operator.sets, *operator.incs)
        }

    def __iter__(self) -> Iterator[SavedParameter]:
        return iter(self.saved.values())

    def _list(self) -> Iterator[SavedParameter]:
        used: set[str] = set()
        for parameter in self.graph.parameters:
            name, shape, source = parameter.name, parameter.shape, parameter.source
            assert shape is not None  # all is built
            used.add(name)
            if not is_state_of_simulation(self.sim.tensor_graph, source):
                trains = parameter.trainable or is_learned(source)
                yield SavedParameter(name, parameter.kind, shape, parameter.obj, source, trains)
        for saved in (*self._list_gains(), *self._list_probes()):
            yield replace(saved, name=unique_name(saved.name, used))

    def _list_gains(self) -> Iterator[SavedParameter]:
        for item in self.graph.objects:
            if item.kind == "ensemble" and not isinstance(item.obj.neuron_type, Direct):
                shape = (int(item.obj.n_neurons),)
                yield SavedParameter(f"{item.name}.gain", "gain", shape, item.obj, None)

    def _list_probes(self) -> Iterator[SavedParameter]:
        # nengo makes connections for probes when it builds; no network holds them
        for connection in self.sim.model.sig:
            if not isinstance(connection, nengo.Connection) or not connection.has_weights:
                continue
            source, target = connection.pre_obj, connection.post_obj
            if isinstance(target, nengo.Probe):
                name = f"{self.graph[source].name}->{self.graph[target].name}.weights"
                signal = self.sim.model.sig[connection]["weights"]
                shape = tuple(np.shape(initial_value(signal)))
                yield SavedParameter(name, "probe weights", shape, connection, signal)

    @property
    def amplitudes(self) -> dict[str, float]:
        """What a rate of 1 Hz counts for in the output of neurons, by the name of their gains."""
        return {
            gain.name: float(gain.obj.neuron_type.amplitude)
            for gain in self
            if gain.kind == "gain" and hasattr(gain.obj.neuron_type, "amplitude")
        }

    # read

    def read(self) -> dict[str, np.ndarray]:
        """Return all values by name; what learns must be the same in all items."""
        return self.read_some(self.saved)

    def read_some(self, names: Iterable[str]) -> dict[str, np.ndarray]:
        """Return the values of some by name."""
        arrays = SignalArrays(self.sim)
        return {name: self._read(self.saved[name], arrays) for name in names}

    def _read(self, parameter: SavedParameter, arrays: SignalArrays) -> np.ndarray:
        source = parameter.source
        if isinstance(source, tf.Variable):
            return _as_numpy(tf.keras.backend.get_value(source))
        if source is None:
            return self._read_gain(parameter.obj, arrays)
        value = arrays.get(source)
        if value is None:
            return np.array(initial_value(source))
        if isinstance(source, ParameterSignal):
            return source.value(value).astype(value.dtype)
        if not source.minibatched:
            return value.reshape(parameter.shape)
        value = value.reshape(len(value), *parameter.shape)
        # the same input gives the same weights but for rounding
        tolerance = _ROUNDING * np.max(np.abs(value), initial=0)
        if not np.allclose(value, value[:1], rtol=0, atol=tolerance, equal_nan=True):
            raise ParameterError(
                f"{parameter.name} is changed by a learning rule, and the {len(value)} items of "
                "the minibatch have learned different values, of which one can't be chosen. Let it "
                "learn in a Simulator with minibatch_size=1, or give all items the same input"
            )
        return value[0]

    def _read_gain(self, ensemble: nengo.Ensemble, arrays: SignalArrays) -> np.ndarray:
        gain = np.array(self.sim.model.params[ensemble].gain, dtype=arrays.dtype)
        for signal, part in self.gains.get(ensemble, ()):
            value = arrays.get(signal)
            if value is not None:
                gain[part] = (value[0] if signal.minibatched else value).reshape(gain[part].shape)
        return gain

    # set

    def set(self, values: Mapping[str, np.ndarray]) -> None:
        """
        Set some of them, all or nothing.

        What nengo_dl has built into its model as a constant (it does so with what can't train)
        makes it necessary to build the model anew.

        Parameters
        ----------
        values : Mapping
            Values by name, of the right shapes and types.
        """
        with ExitStack() as undo:
            built_in = self._built_in(values)
            self._set_initial_values(values, undo)
            if built_in:
                self._build_again(built_in, undo)
            for name, value in values.items():
                source = self.saved[name].source
                if isinstance(source, tf.Variable):
                    undo.callback(source.assign, source.numpy())
                    source.assign(value)
            arrays = SignalArrays(self.sim)
            for _, signal, value in self._signals_of(values):
                arrays.put(signal, _as_stored(signal, value))
            arrays.assign(undo)
            self._note(values, undo)
            undo.pop_all()
        own = (self.saved[name] for name in values)
        _loaded.setdefault(self.sim, set()).update((id(saved.obj), saved.kind) for saved in own)

    def _signals_of(
        self, values: Mapping[str, np.ndarray]
    ) -> Iterator[tuple[SavedParameter, Signal, np.ndarray]]:
        """Yield the signals that hold some values, with the part of these that a signal holds."""
        for name, value in values.items():
            parameter = self.saved[name]
            if parameter.kind == "gain":
                for signal, part in self.gains.get(parameter.obj, ()):
                    yield parameter, signal, value[part]
            elif isinstance(parameter.source, Signal):
                yield parameter, parameter.source, value

    def _gain_scales(
        self, values: Mapping[str, np.ndarray]
    ) -> Iterator[tuple[SavedParameter, Any, np.ndarray]]:
        """Yield the operators that scale by gains, with the values of these."""
        saved = (self.saved[name] for name in values)
        sig = self.sim.model.sig
        gains = {sig[gain.obj]["encoders"]: gain for gain in saved if gain.kind == "gain"}
        for operator, encoders in find_gain_scales(self.sim.model):
            if encoders in gains:
                yield gains[encoders], operator, values[gains[encoders].name]

    def _built_in(self, values: Mapping[str, np.ndarray]) -> list[str]:
        """Name those of which another value was built in as a constant."""
        changed = []
        for gain, _, value in self._gain_scales(values):
            built = np.asarray(self.sim.model.params[gain.obj].gain)
            if not np.array_equal(built.astype(value.dtype), value):
                changed.append(gain.name)
        for parameter, signal, value in self._signals_of(values):
            if signal in self.sim.tensor_graph.signals or signal.trainable:
                continue
            if parameter.kind == "encoders" and not self.is_decoded_into(parameter.obj):
                continue
            now = initial_value(signal).astype(value.dtype)
            if not np.array_equal(now, value.reshape(now.shape), equal_nan=True):
                changed.append(parameter.name)
        return changed

    def is_decoded_into(self, ensemble: nengo.Ensemble) -> bool:
        """Say whether something comes to an ensemble that its encoders encode."""
        return self.sim.model.sig[ensemble]["in"] in self._written

    def _build_again(self, built_in: Iterable[str], undo: ExitStack) -> None:
        if getattr(self.sim.keras_model, "optimizer", None) is not None:
            names = ", ".join(dict.fromkeys(built_in))
            raise ParameterError(
                f"{names} can't train here, so that nengo_dl has built the values in as constants; "
                "to give them others the Simulator has to be built anew, which would forget what "
                "sim.compile was given. Load the parameters before sim.compile"
            )
        before = SignalArrays(self.sim)
        undo.callback(self._look_up)
        undo.callback(setattr, self.sim, "tensor_graph", self.sim.tensor_graph)
        undo.callback(setattr, self.sim, "keras_model", self.sim.keras_model)
        build_again(self.sim)
        self._look_up()
        after = SignalArrays(self.sim)
        after.take_over(before)
        after.assign(ExitStack())

    def _set_initial_values(self, values: Mapping[str, np.ndarray], undo: ExitStack) -> None:
        """Have the signals begin with the values, for when they are planned anew."""
        for _, signal, value in self._signals_of(values):
            before = _as_stored(signal, initial_value(signal))
            undo.callback(set_initial_value, signal, before.copy())
            set_initial_value(signal, np.array(_as_stored(signal, value)).reshape(before.shape))
        for gain, operator, value in self._gain_scales(values):
            undo.callback(setattr, operator, "scale", operator.scale)
            operator.scale = (value / gain.obj.radius).astype(operator.scale.dtype)

    def _note(self, values: Mapping[str, np.ndarray], undo: ExitStack) -> None:
        """Have ``sim.data`` know the values."""
        params = self.sim.model.params
        gains = {gain.obj: gain.name for gain in self if gain.kind == "gain"}
        for obj in {id(self.saved[name].obj): self.saved[name].obj for name in values}.values():
            built = params.get(obj)
            if built is None:
                continue
            undo.callback(params.__setitem__, obj, built)
            if isinstance(obj, nengo.Connection):
                weights = self.sim.model.sig[obj]["weights"]
                if weights is not None:  # else its synapse alone is saved
                    params[obj] = built._replace(weights=weights.initial_value)
            elif obj in gains:
                params[obj] = self._ensemble_with(obj, built, values.get(gains[obj], built.gain))

    def _ensemble_with(self, ensemble: nengo.Ensemble, built: Any, gain: np.ndarray) -> Any:
        scaled = initial_value(self.sim.model.sig[ensemble]["encoders"])
        bias = initial_value(self.sim.model.sig[ensemble.neurons]["bias"])
        with np.errstate(divide="ignore", invalid="ignore"):
            encoders = scaled * (ensemble.radius / np.asarray(gain))[:, np.newaxis]
            max_rates, intercepts = ensemble.neuron_type.max_rates_intercepts(gain, bias)
        return built._replace(
            encoders=encoders,
            intercepts=intercepts,
            max_rates=max_rates,
            scaled_encoders=scaled,
            gain=gain,
            bias=bias,
        )


def _as_stored(source: Signal, value: np.ndarray) -> np.ndarray:
    """Return what a signal holds for some values."""
    return source.free(value) if isinstance(source, ParameterSignal) else value


def _gains_of(model: Any, graph: NetworkGraph) -> dict[nengo.Ensemble, list[tuple[Signal, Any]]]:
    """Return by ensemble the signals that hold its gains, and those of which of its neurons."""
    by_input = {
        model.sig[item.obj.neurons]["in"]: item.obj
        for item in graph.objects
        if item.kind == "ensemble"
    }
    gains: dict[nengo.Ensemble, list[tuple[Signal, Any]]] = {}
    for signal, target, part in find_gain_signals(model):
        gains.setdefault(by_input[target], []).append((signal, part))
    return gains


def _as_numpy(value: Any) -> np.ndarray:
    value = np.asarray(value)
    # NumPy does not know the short floats of TensorFlow
    return value.astype(np.float32) if value.dtype.kind == "V" else value
