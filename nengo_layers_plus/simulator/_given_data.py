"""Inputs, targets and weights that a Simulator is given: checked, and made complete."""

from __future__ import annotations

import difflib
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import SimulationError, ValidationError

from nengo_layers_plus._declared import as_count
from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.simulator._losses import (
    as_function,
    classes_left_out,
    is_own,
    name_of,
    problem_of_name,
    registered,
    takes_labels,
)
from nengo_layers_plus.simulator._target_shapes import (
    Shape,
    fixed_axes,
    is_alike,
    wanted_shape,
)

# Keras takes data of these too, of which a Simulator sees one minibatch after another.
_STREAMS = (
    tf.data.Dataset,
    tf.data.Iterator,
    tf.keras.utils.Sequence,
    tf.keras.utils.experimental.DatasetCreator,
)


class GivenData:
    """
    Checks what a Simulator is given against its Nodes and Probes, before it is run.

    Arrays are checked before TensorFlow sees them. Of datasets and generators each kind of
    minibatch is checked once, when a function is traced for it.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        The Simulator, with a Keras model.
    """

    def __init__(self, sim: Any) -> None:
        self._sim = sim
        self._nodes = {sim.get_name(node): node for node in sim.node_inputs}
        self._probes = {sim.get_name(probe): probe for probe in sim.model.probes}
        self._batch = int(sim.minibatch_size)
        self._accepted: set[Any] = set()
        self._metrics: dict[str, list[Any]] = {}
        self._asserted: dict[str, str] = {}

    @cached_property
    def names_without_history(self) -> frozenset[str]:
        """The names of the Probes that have a value for the last step alone."""
        return frozenset(
            name
            for name, probe in self._probes.items()
            if not nengo_dl.config.get_setting(
                self._sim.model, "keep_history", default=True, obj=probe
            )
        )

    # -- names

    def by_probe(self, given: Any, argument: str) -> Any:
        """Return what `compile` is given, with names for Probes; other things as they are."""
        if isinstance(given, Mapping):
            return {self._name_of(key, self._probes, argument): each for key, each in given.items()}
        if isinstance(given, list | tuple) and len(given) > len(self._probes):
            raise self._error(
                f"expected at most one for each of the Probes {_list(self._probes)}, in this "
                f"order, got {len(given)}",
                argument,
            )
        return given

    def check_names(self, given: Any, argument: str) -> None:
        """Check the names of losses or metrics, of Probes or of all."""
        for each in given.values() if isinstance(given, Mapping) else [given]:
            for name in _strings_in(each):
                problem = problem_of_name(name, argument)
                if problem is not None:
                    raise self._error(problem, argument)

    def probes(self, given: Any, argument: str) -> list[nengo.Probe]:
        """Return the Probes of a Probe, a name, or a list of these, in their order."""
        keys = given if isinstance(given, list | tuple) else [given]
        names = {self._name_of(key, self._probes, argument) for key in keys}
        return [probe for name, probe in self._probes.items() if name in names]

    def note_metrics(self, *metrics: Any) -> None:
        """Note the metrics of Probes, by their names, whose targets are to be checked."""
        self._accepted.clear()
        self._metrics = {}
        for given in metrics:
            for name, each in (given or {}).items():
                functions = map(as_function, tf.nest.flatten(each))
                self._metrics.setdefault(name, []).extend(functions)

    def _name_of(self, key: Any, known: Mapping[str, Any], argument: str) -> str:
        """Return the name of a Node or Probe that was given, or of which the name was."""
        kind = self._kind(known)
        if isinstance(key, str):
            if key in known:
                return key
        else:
            for name, obj in known.items():
                if obj is key:
                    return name
        hint = f" The {kind}s are {_list(known)}."
        if isinstance(key, str):
            near = difflib.get_close_matches(key, known, n=1)
            hint = f". Did you mean {near[0]!r}?{hint}" if near else f".{hint}"
        elif any(key is obj for obj in self._sim.model.params):
            hint = f", which is none in this network.{hint}"
        else:
            hint = f", which is not in the network of this Simulator.{hint}"
        raise self._error(f"expected {kind}s, or their names, as keys, got {key!r}{hint}", argument)

    def _kind(self, known: Mapping[str, Any]) -> str:
        return "input Node" if known is self._nodes else "Probe"

    def _named(self, given: Any, known: Mapping[str, Any], argument: str) -> dict[str, Any]:
        """Return arrays by the names of what they are for."""
        if isinstance(given, Mapping):
            named: dict[str, Any] = {}
            for key, values in given.items():
                name = self._name_of(key, known, argument)
                if name in named:
                    raise self._error(f"expected one array for {name!r}, got two", argument)
                named[name] = values
        else:
            arrays = list(given) if _is_list_of_arrays(given) else [given]
            kind = self._kind(known)
            if len(arrays) > len(known):
                raise self._error(
                    f"expected at most one array for each {kind}, in the order {_list(known)}, "
                    f"got {len(arrays)}. What to do: give a dict that says which is for which",
                    argument,
                )
            if len(arrays) < len(known):
                warnings.warn(
                    f"Simulator.{argument}: the number of arrays, {len(arrays)}, does not match "
                    f"number of {kind.split()[-1]}s, {len(known)}. They are taken for the first of "
                    f"{_list(known)}. What to do: give a dict that says which is for which",
                    stacklevel=2,
                )
            named = dict(zip(known, arrays, strict=False))
        return {
            name: self._array(values, name, argument)
            for name, values in named.items()
            if values is not None
        }

    def _array(self, values: Any, name: str, argument: str) -> Any:
        if _is_array(values):
            array = values
        else:
            try:
                array = np.asarray(values)
            except ValueError:
                raise self._error(
                    f"expected an array for {name!r}, got {type(values).__name__} whose parts have "
                    "different shapes",
                    argument,
                ) from None
        dtype = array.dtype
        if isinstance(dtype, np.dtype):
            fine = dtype.kind in "biuf"
        else:
            dtype = tf.as_dtype(dtype)
            fine = dtype.is_floating or dtype.is_integer or dtype.is_bool
        if not fine:
            given = f"an array of {dtype.name}" if _is_array(values) else type(values).__name__
            raise self._error(
                f"expected an array of real numbers for {name!r}, got {given}. What to do: convert "
                "it, as by numpy.asarray(values, float)",
                argument,
            )
        return array

    # -- inputs

    def inputs(
        self, x: Any, n_steps: Any = None, items: int | None = None, argument: str = "x"
    ) -> Any:
        """
        Return the values of all input Nodes, and the number of steps, as the Keras model takes it.

        Parameters
        ----------
        x : array, list of arrays, dict of nengo.Node or str to array, data of TensorFlow, or None
            Values of input Nodes.
        n_steps : int, optional
            The number of steps; by default that of the data.
        items : int, optional
            How many items there have to be; by default any number.
        argument : str
            What it is called, for errors.

        Returns
        -------
        x : dict of str to array, or data of TensorFlow
            Nodes that are constant have their values for one step. Data of TensorFlow is returned
            as it is.
        """
        steps = self.check_steps(n_steps)
        if _is_stream(x):
            if items is not None:
                raise self._error(
                    f"expected arrays of {items} items, got {type(x).__name__}", argument
                )
            if steps is not None:
                raise SimulationError(
                    f"Simulator.{argument}: cannot automatically add n_steps to data of type "
                    f"{type(x).__name__}. What to do: leave n_steps=None, and have the data be of "
                    "that many steps"
                )
            return self._begun(x, argument)
        given = {} if x is None else self._named(x, self._nodes, argument)
        for name, values in given.items():
            shape = tuple(values.shape)
            size = self._nodes[name].size_out
            if len(shape) == 3:
                items = shape[0] if items is None else items
                steps = shape[1] if steps is None else steps
            if shape != (items, steps, size):
                wanted = (items or "items", "time" if steps is None else steps, size)
                raise self._error(
                    f"the shape {shape} of the values for the Node {name!r} does not match "
                    f"expected size {_write(wanted)} (items, time, size){_hint_of_axes(shape)}",
                    argument,
                )
        if steps is None:
            raise self._error(
                "expected either input data or n_steps, got neither, so that the number of steps "
                "is not known",
                "n_steps",
            )
        if items == 0:
            raise self._error("expected at least one item, got none", argument)
        self._check_unrolled(steps)
        items = self._batch if items is None else items
        values = {
            name: given[name] if name in given else self._values_of(node, items, steps)
            for name, node in self._nodes.items()
        }
        values["n_steps"] = np.full((items, 1), steps, np.int32)
        return values

    def _begun(self, data: Any, argument: str) -> Any:
        """Return data of TensorFlow; of a Python iterator look at the first minibatch."""
        if isinstance(data, _STREAMS) or not isinstance(data, Iterator):
            return data
        first = next(data, None)
        try:
            parts = tf.nest.flatten(first)
        except TypeError:  # keys that have no order, such as Nodes
            parts = [first]
        if first is None or not all(part is None or _is_array(part) for part in parts):
            raise self._error(
                f"expected minibatches of arrays from {type(data).__name__}, by names if in a "
                f"dict, got {first!r}",
                argument,
            )
        return chain([first], data)

    def check_steps(self, n_steps: Any) -> int | None:
        """Check and return a number of steps that may be given."""
        if n_steps is None:
            return None
        return as_count(n_steps, "n_steps", self._sim, low=0)

    def _check_unrolled(self, steps: int) -> None:
        unroll = self._sim.unroll
        if steps % unroll or (steps != unroll and not self._sim.tensor_graph.use_loop):
            rule = (
                "must be evenly divisible by"
                if self._sim.tensor_graph.use_loop
                else "must be, as use_loop=False,"
            )
            raise self._error(
                f"the number of steps, {steps}, {rule} unroll_simulation={unroll}", "n_steps"
            )

    def _values_of(self, node: nengo.Node, items: int, steps: int) -> np.ndarray:
        """Return the values that a Node gives itself."""
        output = self._sim.tensor_graph.input_funcs[node]
        if isinstance(output, np.ndarray):
            # not repeated in memory
            return np.broadcast_to(output, (items, min(steps, 1), node.size_out))
        dtype = np.dtype(self._sim.tensor_graph.dtype)
        values = np.zeros((len(output), steps, node.size_out), dtype)
        start = self._sim.n_steps
        for step in range(steps):
            # also where nothing of the network uses it, as a function may have side effects
            time = (start + step + 1) * self._sim.dt
            for item, function in enumerate(output):
                values[item, step] = function(time)
        # processes have one for each item of a minibatch, which all minibatches share
        return values[np.arange(items) % len(output)] if items != len(output) else values

    # -- targets

    def targets(self, y: Any, x: Any, argument: str = "y") -> Any:
        """
        Return the targets by the names of Probes.

        Parameters
        ----------
        y : array, list of arrays, dict of nengo.Probe or str to array, or None
            The targets.
        x : dict of str to array, or data of TensorFlow
            What `inputs` returned; data of TensorFlow has its own targets.
        argument : str
            What it is called, for errors.

        Returns
        -------
        y : dict of str to array, or None
        """
        if not isinstance(x, Mapping):
            if y is not None:
                raise self._error(
                    f"expected no targets beside data of TensorFlow ({type(x).__name__}), which "
                    "has to have them. What to do: have it yield (x, y)",
                    argument,
                )
            return None
        if y is not None and not self._probes:
            raise self._error(
                "expected a network with a Probe, whose values the targets are for, got one "
                "without any",
                argument,
            )
        if _is_stream(y):
            raise self._error(f"expected arrays, got {type(y).__name__}", argument)
        items, steps = len(x["n_steps"]), int(x["n_steps"][0, 0])
        named = {} if y is None else self._named(y, self._probes, argument)
        targets = {}
        for name, target in named.items():
            target = self._with_size(name, target)
            if not target.shape or target.shape[0] != items:
                raise self._error(
                    f"the shape {tuple(target.shape)} of the targets of the Probe {name!r} does "
                    f"not match expected size ({items}, time, size): there are {items} items of x",
                    argument,
                )
            targets[name] = target
        self._check_targets(targets, steps, argument)
        for name, target in targets.items():
            self._check_classes(name, target, argument)
        return None if y is None else targets

    def _check_classes(self, name: str, target: Any, argument: str) -> None:
        """Check that the numbers of classes are those of outputs."""
        for function in self._functions_of(name):
            if not takes_labels(function) or "crossentropy" not in name_of(function).lower():
                continue
            numbers = np.asarray(target)
            for left_out in classes_left_out(function):
                numbers = numbers[numbers != left_out]
            if not numbers.size:
                continue
            low, high = numbers.min(), numbers.max()
            count = self._output_shape(name, None)[-1] or 0
            if not (low >= 0 and high < count):
                raise self._error(
                    f"expected numbers of classes from 0 to {count - 1} for {name_of(function)!r} "
                    f"of the Probe {name!r}, which has {count} values, got "
                    f"{high if low >= 0 else low:g}. What to do: count classes from 0, and have a "
                    "value of the Probe for each",
                    argument,
                )

    def _with_size(self, name: str, target: Any) -> Any:
        """Give numbers of classes, which may come as ``(items, time)``, an axis of size 1."""
        labels = any(takes_labels(each) for each in self._functions_of(name))
        return target[..., None] if labels and len(target.shape) == 2 else target

    def _check_targets(self, targets: Mapping[str, Any], steps: int | None, argument: str) -> None:
        """Check that all losses have targets, of shapes that they take."""
        missing = [
            name for name in self._probes if name not in targets and self._functions_of(name)
        ]
        if missing:
            raise self._error(
                f"expected targets of all Probes that compile has a loss or a metric for, got none "
                f"of {_list(missing)}. What to do: give y={{probe: targets, ...}} for all of them, "
                f"or name those that have targets in compile(loss={{probe: ...}})",
                argument,
            )
        for name, target in targets.items():
            shape = tuple(target.shape)
            case = (name, shape[1:], steps, *map(id, self._functions_of(name)))
            if case not in self._accepted:
                self._check_target(name, shape, self._output_shape(name, steps), argument)
                self._accepted.add(case)

    def _check_target(self, name: str, shape: Shape, output: Shape, argument: str) -> None:
        functions = self._functions_of(name)
        if not functions and self.has_measures:  # else there is no compile, or no loss in it
            warnings.warn(
                f"Simulator.{argument}: the targets of the Probe {name!r} are not used, as compile "
                "has no loss and no metric for it",
                stacklevel=2,
            )
        # with any number of items, and for functions with that of a minibatch
        shape = (self._batch, *shape[1:])
        dtype = self._sim.tensor_graph.dtype
        for function in functions:
            wanted = wanted_shape(function, shape, output, dtype)
            if len(shape) >= 3 and is_alike(shape, wanted):
                continue
            expected = _write(("items", *wanted[1:]))
            hint = _hint_of_axes(shape)
            if len(shape) < 3 and is_own(function):
                expected = "(items, time, size)"
            elif is_alike(shape[2:], wanted[2:]) and len(shape) == len(wanted):
                hint = (
                    ". What to do: give a target for each step; if only the last step has one, set "
                    "keep_history=False for the Probe (nengo_dl.configure_settings)"
                )
                if is_own(function):
                    hint += "; or have the function itself repeat them, by tf.broadcast_to"
            raise self._error(
                f"expected targets of shape {expected} for {name_of(function)!r} of the Probe "
                f"{name!r}, got {_write(('items', *shape[1:]))}{hint}",
                argument,
            )

    def _output_shape(self, name: str, steps: int | None) -> Shape:
        index = list(self._probes).index(name)
        sizes = self._sim.keras_model.outputs[index].shape[2:]
        return (self._batch, 1 if name in self.names_without_history else steps, *sizes)

    @property
    def has_measures(self) -> bool:
        """Whether there is a loss or a metric of any Probe."""
        return any(map(self._functions_of, self._probes))

    def no_loss(self) -> ValidationError:
        """Return the error of a Simulator that was compiled without a loss."""
        return self._error(
            "expected a loss of a Probe to train or evaluate on, got none. What to do: "
            'sim.compile(optimizer, loss={probe: "mse"})',
            "loss",
        )

    def _functions_of(self, name: str) -> list[Any]:
        """List the losses and metrics of a Probe."""
        losses = getattr(self._sim.keras_model, "loss", None)
        loss = losses.get(name) if isinstance(losses, Mapping) else None
        metrics = [each for each in self._metrics.get(name, ()) if each is not None]
        return list(map(registered, [*([] if loss is None else [loss]), *metrics]))

    # -- weights

    def weights(
        self,
        weights: Any,
        y: Mapping[str, Any] | None,
        classes: Any = None,
        argument: str = "sample_weight",
    ) -> dict[str, Any] | None:
        """
        Return the weights of items, or of their steps, by the names of Probes.

        Parameters
        ----------
        weights : array, list of arrays, dict of nengo.Probe or str to array, or None
            The weights of samples; one array is for all Probes.
        y : dict of str to array, or None
            What `targets` returned.
        classes : dict of int to float, optional
            The weights of classes, of which the targets are.
        argument : str
            What they are called, for errors.

        Returns
        -------
        weights : dict of str to array, or None
        """
        if weights is None and classes is None:
            return None
        if y is None:
            raise self._error(
                "expected arrays of targets with it, got none (data of TensorFlow has its own "
                "weights)",
                argument if classes is None else "class_weight",
            )
        if not (weights is None or isinstance(weights, Mapping) or _is_list_of_arrays(weights)):
            weights = dict.fromkeys(y, weights)  # one array for all
        named = {} if weights is None else self._named(weights, self._probes, argument)
        for name, values in named.items():
            if name not in y:
                raise self._error(f"expected targets of the Probe {name!r} with it", argument)
            target, shape = tuple(y[name].shape), tuple(values.shape)
            allowed = (target[:1], target[:2], (*target[:1], 1), (*target[:2], 1))
            if not any(is_alike(shape, each) for each in allowed):
                raise self._error(
                    f"expected a weight for each item, of shape {_write(target[:1])}, or for each "
                    f"step, of shape {_write(target[:2])}, for the Probe {name!r}, got shape "
                    f"{_write(shape)}",
                    argument,
                )
        if classes is not None:
            named = self._with_classes(classes, named, y)
        return named

    def _with_classes(
        self, classes: Any, weights: dict[str, Any], y: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Multiply the weights with those of the classes that the targets are of."""
        if not isinstance(classes, Mapping):
            raise self._error(
                f"expected a dict of weights by the numbers of classes, got {classes!r}",
                "class_weight",
            )
        learned = [name for name in y if self._functions_of(name)] or list(y)
        if len(learned) != 1:
            raise self._error(
                f"expected one Probe with targets, which are of these classes, got "
                f"{_list(learned)}. What to do: give sample_weight={{probe: weights}} with a "
                "weight for each step, (items, time)",
                "class_weight",
            )
        (name,) = learned
        target = np.asarray(y[name])
        numbers = np.argmax(target, -1) if target.shape[-1] > 1 else np.rint(target[..., 0])
        numbers = numbers.astype(int)
        missing = sorted(set(np.unique(numbers).tolist()) - set(classes))
        if missing:
            raise self._error(
                f"expected a weight for each class that the targets of the Probe {name!r} are of, "
                f"got none of {', '.join(map(str, missing))}",
                "class_weight",
            )
        own = np.vectorize(classes.__getitem__, otypes=[float])(numbers)
        if name in weights:
            given = np.asarray(weights[name])
            own = own * given.reshape(given.shape + (1,) * (own.ndim - given.ndim))
        return {**weights, name: own}

    # -- minibatches of datasets and generators

    def minibatch(
        self, x: Any, y: Any, weights: Any, fills: bool, learned: bool
    ) -> tuple[Any, Any, Any]:
        """
        Check a minibatch while a function is traced for it.

        Parameters
        ----------
        x, y, weights : any
            What a dataset or a generator yields.
        fills : bool
            Whether it may have fewer items than a minibatch has.
        learned : bool
            Whether it has targets that are used.

        Returns
        -------
        x, y, weights : dict of str to tf.Tensor, or None
            By name.
        """
        inputs = self._stream_inputs(x)
        series = next((each for name, each in inputs.items() if name != "n_steps"), None)
        first = inputs["n_steps"] if series is None else series
        count = first.shape[0]
        if count is None:
            items = tf.shape(first)[0]
            fits = items <= self._batch if fills else items == self._batch
            message = self._wrong_count(fills)
            for name, values in inputs.items():
                inputs[name] = self._checked(values, fits, message, "x")
        elif count > self._batch or (count < self._batch and not fills):
            raise self._error(self._wrong_count(fills), "x")
        if series is not None and "n_steps" not in inputs:
            inputs["n_steps"] = tf.fill([tf.shape(series)[0], 1], tf.shape(series)[1])
        inputs["n_steps"] = tf.cast(inputs["n_steps"], tf.int32)
        if not learned:
            return inputs, None, None
        targets = self._stream_targets(
            y, None if series is None else series.shape[1], inputs["n_steps"][0, 0]
        )
        return inputs, targets, None if weights is None else self.weights(weights, targets)

    def filled(self, x: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
        """
        Fill a minibatch up, in the graph.

        Parameters
        ----------
        x : dict of str to tf.Tensor
            The inputs.

        Returns
        -------
        x : dict of str to tf.Tensor
            The last item is repeated for those that are missing.
        count : tf.Tensor or None
            How many items there are; None if it is known that none is missing.
        """
        first = next(iter(x.values()))
        if first.shape[0] == self._batch:
            return dict(x), None
        count = tf.shape(first)[0]
        places = tf.minimum(tf.range(self._batch), count - 1)
        return {name: tf.gather(each, places) for name, each in x.items()}, count

    def _stream_inputs(self, x: Any) -> dict[str, Any]:
        names = [*self._nodes, "n_steps"]
        if isinstance(x, Mapping):
            given = {
                "n_steps" if key == "n_steps" else self._name_of(key, self._nodes, "x"): each
                for key, each in x.items()
            }
        else:
            several = list(x) if isinstance(x, list | tuple) else [x]
            if len(several) > len(names):
                raise self._error(
                    f"expected values of {_list(names)}, in this order, got {len(several)}", "x"
                )
            given = dict(zip(names, several, strict=False))
        given = {name: self._array(each, name, "x") for name, each in given.items()}
        for name, values in given.items():
            wanted = (None, 1) if name == "n_steps" else (None, None, self._nodes[name].size_out)
            if values.shape.rank is not None and not is_alike(tuple(values.shape), wanted):
                shape = ("items", "time", wanted[-1]) if len(wanted) == 3 else ("items", 1)
                raise self._error(
                    f"expected minibatches of shape {_write(shape)} for the Node {name!r}, got "
                    f"{_write(values.shape)}{_hint_of_axes(tuple(values.shape))}",
                    "x",
                )
            if None in (values.shape.rank, *list(values.shape or [])[2:]):
                values = self._checked(
                    values,
                    tf.shape(values)[-1] == wanted[-1],
                    f"expected {wanted[-1]} values of a step for the Node {name!r}",
                    "x",
                )
            values.set_shape(wanted)
            given[name] = values
        if not given or list(given) == ["n_steps"]:
            if self._nodes:
                raise self._error(f"expected values of the Nodes {_list(self._nodes)}", "x")
            return given
        first = next(each for name, each in given.items() if name != "n_steps")
        for name, node in self._nodes.items():
            if name not in given:
                output = self._sim.tensor_graph.input_funcs[node]
                if not isinstance(output, np.ndarray):
                    raise self._error(
                        f"expected values of the Node {name!r}, whose function is not called for "
                        "data of TensorFlow, got none",
                        "x",
                    )
                given[name] = tf.ones_like(first[..., :1]) * tf.cast(output, first.dtype)
        return {name: given[name] for name in names if name in given}

    def _stream_targets(self, y: Any, steps: int | None, n_steps: Any) -> dict[str, Any] | None:
        targets = {} if y is None else self._named(y, self._probes, "y")
        for name, target in targets.items():
            if target.shape.rank is None:
                target = self._checked(
                    target,
                    tf.rank(target) == 3,
                    f"expected targets of shape (items, time, size) for the Probe {name!r}",
                    "y",
                    tf.shape(target),
                )
                target.set_shape((None, None, None))
            targets[name] = self._with_size(name, target)
        self._check_targets(targets, steps, "y")
        for name, target in targets.items():
            if None in (steps, *target.shape[1:]):
                targets[name] = self._with_checked_size(name, target, steps, n_steps)
        return None if y is None else targets

    def _with_checked_size(self, name: str, target: Any, steps: int | None, n_steps: Any) -> Any:
        """Have the size of targets checked when it is known, for all functions of a Probe."""
        output = self._output_shape(name, steps)
        given, sizes = (self._batch, *target.shape[1:]), tf.shape(target)
        for function in self._functions_of(name):
            own = is_own(function)
            wanted, axes = output, [1, 2]
            if own:
                axes = fixed_axes(function, given, output, self._sim.tensor_graph.dtype)
            else:  # by the shape that the functions before have made known
                wanted = wanted_shape(function, (self._batch, *target.shape[1:]), output)
            fits = []
            for axis in axes:
                number = n_steps if wanted[axis] is None else wanted[axis]
                # a function may take other sizes, if it does not repeat one value
                free = own and tf.minimum(sizes[axis], number) > 1
                fits.append(tf.logical_or(sizes[axis] == number, free))
            if fits:
                target = self._checked(
                    target,
                    tf.reduce_all(fits),
                    f"expected targets of shape {_write(('items', *wanted[1:]))} for "
                    f"{name_of(function)!r} of the Probe {name!r}, with as many steps as its "
                    "outputs",
                    "y",
                    sizes,
                )
            if not own and is_alike(tuple(target.shape[1:]), wanted[1:]):
                target.set_shape((None, *wanted[1:]))  # by which Keras chooses an accuracy
        return target

    def _checked(
        self, values: Any, fits: Any, message: str, argument: str, shape: Any = None
    ) -> Any:
        """Have something checked when it is run, before values are used."""
        self._asserted[message] = argument
        checked = tf.debugging.Assert(fits, [message] if shape is None else [message, shape])
        with tf.control_dependencies([] if checked is None else [checked]):
            return tf.identity(values)

    def _wrong_count(self, fills: bool) -> str:
        most = "at most " if fills else ""
        return (
            f"expected minibatches of {most}{self._batch} items, as the Simulator has "
            f"minibatch_size={self._batch}. What to do: "
            f"dataset.batch({self._batch}{'' if fills else ', drop_remainder=True'})"
        )

    # -- whole minibatches

    def check_whole(self, x: Any, kept: bool, argument: str = "x") -> None:
        """Raise if a minibatch that has to be filled up were to end in a state that is kept."""
        if kept and isinstance(x, Mapping) and len(x["n_steps"]) % self._batch:
            raise self._error(
                f"expected whole minibatches of minibatch_size={self._batch} items with "
                f"stateful=True, got {len(x['n_steps'])} items: what fills up the last minibatch "
                "would leave its state to the next call. What to do: give a multiple of "
                f"{self._batch} items, or stateful=False",
                argument,
            )

    def leave_out(self, arguments: dict[str, Any], split: float | None) -> None:
        """
        Leave out the items that no minibatch of ``fit`` has room for, and say so.

        Parameters
        ----------
        arguments : dict
            What ``fit`` of the Keras model is called with; it is changed.
        split : float, optional
            The share of the items that it takes for validation, in whatever number.
        """
        x = arguments["x"]
        if not isinstance(x, Mapping):
            return
        items, size = len(x["n_steps"]), self._batch
        whole = items - items % size
        if split:
            trained = {count: int(np.floor(count * (1 - split))) for count in (items, whole)}
            fitting = [count for count, each in trained.items() if each and each % size == 0]
            if not fitting:
                raise self._error(
                    f"the {trained[items]} of {items} items that are to be trained on are not "
                    f"evenly divisible by minibatch_size={size}",
                    "validation_split",
                )
            whole = fitting[0]
        if whole == items:
            return
        if whole == 0:
            raise self._error(
                f"expected at least minibatch_size={size} items to train on, got {items}", "x"
            )
        warnings.warn(
            f"Simulator.fit: the number of items, {items}, is not evenly divisible by "
            f"minibatch_size={size}: the last {items - whole} of them are left out. What to do: "
            f"give a multiple of {size} items, or a Simulator another minibatch_size",
            stacklevel=2,
        )
        for argument in ("x", "y", "sample_weight"):
            arrays = arguments[argument]
            if arrays is not None:
                arguments[argument] = {name: each[:whole] for name, each in arrays.items()}

    def validation(self, data: Any, n_steps: Any, kept: bool) -> Any:
        """
        Return what ``fit`` validates on.

        Parameters
        ----------
        data : tuple of (x, y) or (x, y, sample_weight), data of TensorFlow, or None
            The data.
        n_steps : int, optional
            The number of steps; by default that of the data.
        kept : bool
            Whether the state is kept for the next call.
        """
        if data is None or _is_stream(data):
            return self._begun(data, "validation_data")
        if not isinstance(data, list | tuple) or len(data) not in (2, 3):
            raise self._error(
                "expected (x, y) or (x, y, sample_weight), or data of TensorFlow, got "
                + (
                    f"{len(data)} values" if isinstance(data, list | tuple) else type(data).__name__
                ),
                "validation_data",
            )
        x = self.inputs(data[0], n_steps, argument="validation_data")
        self.check_whole(x, kept, "validation_data")
        y = self.targets(data[1], x, "validation_data")
        if len(data) == 2:
            return x, y
        return x, y, self.weights(data[2], y, argument="validation_data")

    # -- errors

    def problem_of(self, error: BaseException) -> ValidationError | None:
        """Return an error in words for one of TensorFlow, if it is of what is known here."""
        text = str(error).replace("\\'", "'")  # as TensorFlow quotes
        for message, argument in self._asserted.items():
            if message in text:
                shape = re.search(re.escape(message) + r"\] \[\d+ ([\d ]*)\]", text)
                got = f", got {_write(('items', *shape[1].split()))}" if shape else ""
                return self._error(message + got, argument)
        if isinstance(error, ValueError) and "No loss found" in text:
            return self.no_loss()
        if isinstance(error, ValueError) and "No gradients provided" in text:
            learned = [name for name in self._probes if self._functions_of(name)]
            return self._error(
                f"expected something that trains on the way to the losses, got nothing on the way "
                f"to the Probes {_list(learned)}. What to do: see Simulator.what_trains(), and "
                "which Probes compile has a loss for",
                "loss",
            )
        return None

    def _error(self, message: str, argument: str) -> ValidationError:
        return ValidationError(message, argument, self._sim)


def _is_array(value: Any) -> bool:
    is_number = isinstance(value, np.generic)
    return not is_number and hasattr(value, "shape") and hasattr(value, "dtype")


def _is_list_of_arrays(value: Any) -> bool:
    """Say whether it is several arrays, and not one that is written as nested lists."""
    if not isinstance(value, list | tuple):
        return False
    return all(each is None or _is_array(each) for each in value) or (
        any(map(_is_array, value)) or all(map(_is_series, value))
    )


def _is_series(value: Any) -> bool:
    """Say whether nested lists are as deep as ``(items, time, size)``."""
    depth = 0
    while depth < 3 and isinstance(value, list | tuple) and value:  # it may be in itself
        value, depth = value[0], depth + 1
    return depth == 3 or depth + np.ndim(value) >= 3


def _is_stream(data: Any) -> bool:
    """Say whether it is data of which only Keras knows how to take minibatches."""
    return isinstance(data, _STREAMS) or (
        not _is_array(data) and (hasattr(data, "__next__") or hasattr(data, "element_spec"))
    )


def _strings_in(given: Any) -> Iterator[str]:
    if isinstance(given, str):
        yield given
    elif isinstance(given, list | tuple):
        for each in given:
            yield from _strings_in(each)


def _hint_of_axes(shape: Shape) -> str:
    if len(shape) == 2:
        return ". What to do: give the steps an axis of their own: values[:, None] for one step"
    if len(shape) == 1:
        return ". What to do: give steps and values axes of their own: values[:, None, None]"
    return ""


def _list(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names)) or "(none)"


def _write(shape: Iterable[Any]) -> str:
    numbers = ["time" if n is None else str(n) for n in shape]
    return f"({', '.join(numbers)}{',' if len(numbers) == 1 else ''})"
