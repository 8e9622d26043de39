"""Inputs, targets, losses and weights that a Simulator is given: checked, and made complete."""

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

from nengo_layers_plus._declared import as_count, holds_itself
from nengo_layers_plus._upstream import keras3_equivalent, nengo_dl, tf
from nengo_layers_plus.simulator._losses import (
    Shape,
    as_function,
    classes_left_out,
    fixed_axes,
    is_alike,
    is_own,
    name_of,
    problem_of_name,
    registered,
    takes_labels,
    wanted_shape,
)

# Keras takes data of these too, of which a Simulator sees one minibatch after another.
_STREAMS = (
    tf.data.Dataset,
    tf.data.Iterator,
    tf.keras.utils.Sequence,
    tf.keras.utils.experimental.DatasetCreator,
)
_AXES = ("items", "time", "size")


class GivenData:
    """
    Checks what a Simulator is given against its Nodes and Probes, before it is run.

    Arrays are checked before TensorFlow sees them. Of datasets and generators each kind of
    minibatch is checked once, when a function is traced for it; sizes that are not known then are
    checked in the graph.

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
        self._metrics: dict[str, list[Any]] = {}
        self._accepted_targets: set[Any] = set()
        self._argument = "x"  # the one that is being checked, which errors name
        self._graph_checks: dict[str, str] = {}  # messages of checks in the graph, and arguments

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

    # -- losses and metrics

    def compile_arguments(self, **arguments: Any) -> dict[str, Any]:
        """Check what `compile` is given, and return it with names for Probes."""
        for argument, value in arguments.items():
            self._argument = argument
            if holds_itself(value):
                raise self._error(f"{value!r} holds itself")
            for leaf in _leaves(value):
                problem = _problem_of_object(leaf)
                if isinstance(leaf, str) and argument in ("loss", "metrics", "weighted_metrics"):
                    problem = problem_of_name(leaf, argument)
                if problem is not None:
                    raise self._error(problem)
            if argument in ("loss", "metrics", "loss_weights", "weighted_metrics"):
                arguments[argument] = self._by_probe(value)
        return arguments

    def _by_probe(self, given: Any) -> Any:
        if isinstance(given, Mapping):
            return {self._name_of(key, self._probes): value for key, value in given.items()}
        if isinstance(given, list | tuple):
            self._check_count(given, self._probes)
        return given

    def note_metrics(self, *metrics: Mapping[str, Any] | None) -> None:
        """Note the metrics of Probes, by their names, whose targets are to be checked."""
        self._accepted_targets.clear()
        self._metrics = {}
        for by_name in metrics:
            for name, given in (by_name or {}).items():
                functions = [as_function(metric) for metric in tf.nest.flatten(given)]
                self._metrics.setdefault(name, []).extend(functions)

    @property
    def has_measures(self) -> bool:
        """Whether there is a loss or a metric of any Probe."""
        return any(map(self._functions_of, self._probes))

    def _functions_of(self, name: str) -> list[Any]:
        """List the losses and metrics of a Probe."""
        losses = getattr(self._sim.keras_model, "loss", None)
        loss = losses.get(name) if isinstance(losses, Mapping) else None
        functions = [loss, *self._metrics.get(name, ())]
        return [registered(function) for function in functions if function is not None]

    def no_loss(self) -> ValidationError:
        """Return the error of a Simulator that was compiled without a loss."""
        return self._error(
            "expected a loss of a Probe to train or evaluate on, got none. What to do: "
            'sim.compile(optimizer, loss={probe: "mse"})',
            "loss",
        )

    # -- arrays by name

    def probes(self, given: Any, argument: str) -> list[nengo.Probe]:
        """Return the Probes of a Probe, a name, or a list of these, in their order."""
        self._argument = argument
        keys = given if isinstance(given, list | tuple) else [given]
        names = {self._name_of(key, self._probes) for key in keys}
        return [probe for name, probe in self._probes.items() if name in names]

    def _name_of(self, key: Any, known: Mapping[str, Any]) -> str:
        """Return the name of a Node or Probe that was given, or of which the name was."""
        for name, obj in known.items():
            if obj is key or (isinstance(key, str) and name == key):
                return name
        if isinstance(key, str):
            near = difflib.get_close_matches(key, known, n=1)
            hint = f". Did you mean {near[0]!r}?" if near else "."
        elif any(key is obj for obj in self._sim.model.params):
            hint = ", which is none in this network."
        else:
            hint = ", which is not in the network of this Simulator."
        kind = self._kind(known)
        objects = known if known is self._probes else self._nodes  # without the number of steps
        raise self._error(
            f"expected {kind}s, or their names, as keys, got {key!r}{hint} The {kind}s are "
            f"{_list(objects)}."
        )

    def _kind(self, known: Mapping[str, Any]) -> str:
        return "Probe" if known is self._probes else "input Node"

    def _check_count(self, given: Any, known: Mapping[str, Any]) -> None:
        if len(given) > len(known):
            raise self._error(
                f"expected at most one for each {self._kind(known)}, in the order {_list(known)}, "
                f"got {len(given)}. What to do: give a dict that says which is for which"
            )

    def _named(self, given: Any, known: Mapping[str, Any]) -> dict[str, Any]:
        """Return arrays by the names of the Nodes or Probes that they are for."""
        named: dict[str, Any] = {}
        if isinstance(given, Mapping):
            for key, values in given.items():
                name = self._name_of(key, known)
                if name in named:
                    raise self._error(f"expected one array for {name!r}, got two")
                named[name] = values
        else:
            arrays = given if _is_list_of_arrays(given) else [given]
            self._check_count(arrays, known)
            if len(arrays) < len(known):
                warnings.warn(
                    f"Simulator.{self._argument}: the number of arrays, {len(arrays)}, does not "
                    f"match number of {self._kind(known).split()[-1]}s, {len(known)}. They are "
                    f"taken for the first of {_list(known)}. What to do: give a dict that says "
                    "which is for which",
                    stacklevel=2,
                )
            named = dict(zip(known, arrays, strict=False))
        return {
            name: self._array(values, name) for name, values in named.items() if values is not None
        }

    def _array(self, values: Any, name: str) -> Any:
        """Return values as an array or a tensor of real numbers."""
        try:
            array = values if _is_array(values) else np.asarray(values)
        except ValueError:
            raise self._error(
                f"expected an array for {name!r}, got {type(values).__name__} whose parts have "
                "different shapes"
            ) from None
        dtype = array.dtype
        if isinstance(dtype, np.dtype):
            is_real = dtype.kind in "biuf"
        else:
            dtype = tf.as_dtype(dtype)
            is_real = dtype.is_floating or dtype.is_integer or dtype.is_bool
        if not is_real:
            given = f"an array of {dtype.name}" if _is_array(values) else type(values).__name__
            raise self._error(
                f"expected an array of real numbers for {name!r}, got {given}. What to do: convert "
                "it, as by numpy.asarray(values, float)"
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
        self._argument = argument
        steps = None if n_steps is None else as_count(n_steps, "n_steps", self._sim, low=0)
        if _is_stream(x):
            kind = type(x).__name__
            if items is not None:
                raise self._error(f"expected arrays of {items} items, got {kind}")
            if steps is not None:
                raise SimulationError(
                    f"Simulator.{self._argument}: cannot automatically add n_steps to data of type "
                    f"{kind}. What to do: leave n_steps=None, and have the data be of that many "
                    "steps"
                )
            return self._with_first_minibatch(x)
        given = {} if x is None else self._named(x, self._nodes)
        for name, values in given.items():
            shape = tuple(values.shape)
            if len(shape) == 3:
                items = shape[0] if items is None else items
                steps = shape[1] if steps is None else steps
            self._check_inputs(name, values, (items, steps, self._nodes[name].size_out))
        if steps is None:
            raise self._error(
                "expected either input data or n_steps, got neither, so that the number of steps "
                "is not known"
            )
        if items == 0:
            raise self._error("expected at least one item, got none")
        unroll, use_loop = self._sim.unroll, self._sim.tensor_graph.use_loop
        if steps % unroll or (steps != unroll and not use_loop):
            rule = "must be evenly divisible by" if use_loop else "must be, as use_loop=False,"
            raise self._error(
                f"the number of steps, {steps}, {rule} unroll_simulation={unroll}", "n_steps"
            )
        items = self._batch if items is None else items
        inputs = {
            name: given[name] if name in given else self._values_of(node, items, steps)
            for name, node in self._nodes.items()
        }
        return {**inputs, "n_steps": np.full((items, 1), steps, np.int32)}

    def _check_inputs(self, name: str, values: Any, wanted: Shape) -> Any:
        shape = _shape_of(values)
        fits = shape is not None and is_alike(shape, wanted)
        if shape is None or (fits and None in shape[2:]):
            fits = tf.shape(values)[-1] == wanted[-1]
        return self._require(
            fits,
            values,
            f"the shape of the values for the Node {name!r} does not match expected size "
            f"{_write(wanted)}{' (items, time, size)' if all(wanted) and len(wanted) == 3 else ''}",
            hint=_hint_of_axes(shape),
            got=shape or (),
        )

    def _with_first_minibatch(self, data: Any) -> Any:
        """Return data of TensorFlow; of a Python iterator check the first minibatch."""
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
                f"dict, got {first!r}"
            )
        return chain([first], data)

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

    def targets(self, y: Any, x: Any, argument: str = "y") -> dict[str, Any] | None:
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
        """
        self._argument = argument
        if not isinstance(x, Mapping):
            if y is not None:
                raise self._error(
                    f"expected no targets beside data of TensorFlow ({type(x).__name__}), which "
                    "has to have them. What to do: have it yield (x, y)"
                )
            return None
        if y is not None and not self._probes:
            raise self._error(
                "expected a network with a Probe, whose values the targets are for, got one "
                "without any"
            )
        if _is_stream(y):
            raise self._error(f"expected arrays, got {type(y).__name__}")
        targets = {} if y is None else self._named(y, self._probes)
        missing = [
            name for name in self._probes if name not in targets and self._functions_of(name)
        ]
        if missing:
            raise self._error(
                f"expected targets of all Probes that compile has a loss or a metric for, got none "
                f"of {_list(missing)}. What to do: give y={{probe: targets, ...}} for all of them, "
                f"or name those that have targets in compile(loss={{probe: ...}})"
            )
        in_graph = tf.is_tensor(x["n_steps"])
        for name, target in targets.items():
            if not in_graph:
                items = len(x["n_steps"])
                self._require(
                    target.shape[:1] == (items,),
                    target,
                    f"the shape of the targets of the Probe {name!r} does not match expected size "
                    f"({items}, time, size), for {items} items of x",
                    got=target.shape,
                )
            targets[name] = self._target(name, target, x)
            if not in_graph:
                self._check_classes(name, targets[name])
        return None if y is None else targets

    def _target(self, name: str, target: Any, x: Mapping[str, Any]) -> Any:
        """Return the targets of a Probe, for losses and metrics that all take their shape."""
        functions = self._functions_of(name)
        if _shape_of(target) is None:
            message = f"expected targets of shape (items, time, size) for the Probe {name!r}"
            target = self._require(tf.rank(target) == 3, target, message, got=())
            target.set_shape((None, None, None))
        if len(target.shape) == 2 and any(map(takes_labels, functions)):
            target = target[..., None]  # numbers of classes may come as (items, time)
        steps = self._steps_of(x)
        # with any number of items, and for functions with that of a minibatch
        given: Shape = (self._batch, *target.shape[1:])
        is_known = steps is not None and None not in given
        key = (name, given, steps, *map(id, functions))
        if is_known and key in self._accepted_targets:  # functions are traced for each check
            return target
        if not functions and self.has_measures:  # else there is no compile, or no loss in it
            warnings.warn(
                f"Simulator.{self._argument}: the targets of the Probe {name!r} are not used, as "
                "compile has no loss and no metric for it",
                stacklevel=2,
            )
        output, dtype = self._output_shape(name, steps), self._sim.tensor_graph.dtype
        for function in functions:
            wanted = wanted_shape(function, given, output, dtype)
            if is_own(function) and len(given) < 3:
                wanted = (None, None, None)  # whatever the sizes are, they have axes
            hint = _hint_of_axes(given)
            if is_alike(given[2:], wanted[2:]) and len(given) == len(wanted):
                hint = (
                    ". What to do: give a target for each step; if only the last step has one, set "
                    "keep_history=False for the Probe (nengo_dl.configure_settings)"
                )
                if is_own(function):
                    hint += "; or have the function itself repeat them, by tf.broadcast_to"
            self._require(
                is_alike(given, wanted),
                target,
                self._expected_target(name, function, wanted),
                hint,
                got=(None, *given[1:]),
            )
            if not is_known:
                n_steps = x["n_steps"][0, 0]
                target = self._target_in_graph(name, function, target, given, output, n_steps)
        if is_known:
            self._accepted_targets.add(key)
        return target

    def _target_in_graph(
        self, name: str, function: Any, target: Any, given: Shape, output: Shape, n_steps: Any
    ) -> Any:
        """Have the size of targets checked for a loss or metric of a Probe when it is known."""
        of_user, sizes = is_own(function), tf.shape(target)
        wanted, axes = output, [1, 2]
        if of_user:
            axes = fixed_axes(function, given, output, self._sim.tensor_graph.dtype)
        else:
            # read anew: the shape that functions before this one have made known
            wanted = wanted_shape(function, (self._batch, *target.shape[1:]), output)
        fits = []
        for axis in axes:
            size = n_steps if wanted[axis] is None else wanted[axis]
            # a function of the user may take other sizes, if it does not repeat one value
            is_free = of_user and tf.minimum(sizes[axis], size) > 1
            fits.append(tf.logical_or(sizes[axis] == size, is_free))
        if fits:
            message = self._expected_target(name, function, wanted)
            message += ", with as many steps as its outputs"
            target = self._require(tf.reduce_all(fits), target, message, got=wanted)
        if not of_user and is_alike(tuple(target.shape[1:]), wanted[1:]):
            target.set_shape((None, *wanted[1:]))  # by which Keras chooses an accuracy
        return target

    def _expected_target(self, name: str, function: Any, wanted: Shape) -> str:
        return (
            f"expected targets of shape {_write((None, *wanted[1:]))} for {name_of(function)!r} "
            f"of the Probe {name!r}"
        )

    def _steps_of(self, x: Mapping[str, Any]) -> int | None:
        """Return the number of steps of inputs; None where it is not known yet."""
        if not tf.is_tensor(x["n_steps"]):
            return int(x["n_steps"][0, 0])
        return x[next(iter(self._nodes))].shape[1] if self._nodes else None

    def _output_shape(self, name: str, steps: int | None) -> Shape:
        index = list(self._probes).index(name)
        sizes = self._sim.keras_model.outputs[index].shape[2:]
        return (self._batch, 1 if name in self.names_without_history else steps, *sizes)

    def _check_classes(self, name: str, target: Any) -> None:
        """Check that the numbers of classes are those of outputs."""
        count = self._output_shape(name, None)[-1] or 0
        for function in self._functions_of(name):
            if not takes_labels(function) or "crossentropy" not in name_of(function).lower():
                continue
            numbers = np.asarray(target)
            numbers = numbers[~np.isin(numbers, classes_left_out(function))]
            wrong = numbers[~((numbers >= 0) & (numbers < count))]  # also those that are nan
            if wrong.size:
                raise self._error(
                    f"expected numbers of classes from 0 to {count - 1} for {name_of(function)!r} "
                    f"of the Probe {name!r}, which has {count} values, got {wrong[0]:g}. What to "
                    "do: count classes from 0, and have a value of the Probe for each"
                )

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
        """
        self._argument = argument if classes is None else "class_weight"
        if weights is None and classes is None:
            return None
        if y is None:
            raise self._error(
                "expected arrays of targets with it, got none (data of TensorFlow has its own "
                "weights)"
            )
        self._argument = argument
        if not (weights is None or isinstance(weights, Mapping) or _is_list_of_arrays(weights)):
            weights = dict.fromkeys(y, weights)  # one array for all
        named = {} if weights is None else self._named(weights, self._probes)
        for name, values in named.items():
            if name not in y:
                raise self._error(f"expected targets of the Probe {name!r} with it")
            target, shape = tuple(y[name].shape), tuple(values.shape)
            per_item, per_step = target[:1], target[:2]
            allowed = (per_item, per_step, (*per_item, 1), (*per_step, 1))
            self._require(
                any(is_alike(shape, wanted) for wanted in allowed),
                values,
                f"expected a weight for each item, of shape {_write(per_item)}, or for each step, "
                f"of shape {_write(per_step)}, for the Probe {name!r}",
                got=shape,
            )
        return named if classes is None else self._with_classes(classes, named, y)

    def _with_classes(
        self, classes: Any, weights: dict[str, Any], y: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Multiply the weights with those of the classes that the targets are of."""
        self._argument = "class_weight"
        if not isinstance(classes, Mapping):
            raise self._error(
                f"expected a dict of weights by the numbers of classes, got {classes!r}"
            )
        learned = [name for name in y if self._functions_of(name)] or list(y)
        if len(learned) != 1:
            raise self._error(
                f"expected one Probe with targets, which are of these classes, got "
                f"{_list(learned)}. What to do: give sample_weight={{probe: weights}} with a "
                "weight for each step, (items, time)"
            )
        (name,) = learned
        target = np.asarray(y[name])
        numbers = np.argmax(target, -1) if target.shape[-1] > 1 else np.rint(target[..., 0])
        numbers = numbers.astype(int)
        missing = sorted(set(np.unique(numbers).tolist()) - set(classes))
        if missing:
            raise self._error(
                f"expected a weight for each class that the targets of the Probe {name!r} are of, "
                f"got none of {', '.join(map(str, missing))}"
            )
        of_classes = np.vectorize(classes.__getitem__, otypes=[float])(numbers)
        if name in weights:
            given = np.asarray(weights[name])
            of_classes = of_classes * given.reshape(
                given.shape + (1,) * (of_classes.ndim - given.ndim)
            )
        return {**weights, name: of_classes}

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
        self._argument = "x"
        inputs = self._inputs_of_minibatch(x)
        first = next(iter(inputs.values()))  # n_steps if there is no Node
        count = tf.shape(first)[0] if first.shape[0] is None else first.shape[0]
        message = (
            f"expected minibatches of {'at most ' if fills else ''}{self._batch} items, as the "
            f"Simulator has minibatch_size={self._batch}. What to do: "
            f"dataset.batch({self._batch}{'' if fills else ', drop_remainder=True'})"
        )
        fits = count <= self._batch if fills else count == self._batch
        inputs = {name: self._require(fits, values, message) for name, values in inputs.items()}
        first = next(iter(inputs.values()))
        if "n_steps" not in inputs:
            inputs["n_steps"] = tf.fill([tf.shape(first)[0], 1], tf.shape(first)[1])
        inputs["n_steps"] = tf.cast(inputs["n_steps"], tf.int32)
        if not learned:
            return inputs, None, None
        targets = self.targets(y, inputs)
        return inputs, targets, None if weights is None else self.weights(weights, targets)

    def _inputs_of_minibatch(self, x: Any) -> dict[str, Any]:
        """Return the inputs by name, those of Nodes in order and then the number of steps."""
        known = {**self._nodes, "n_steps": "n_steps"}
        if not isinstance(x, Mapping):
            arrays = x if isinstance(x, list | tuple) else [x]
            self._check_count(arrays, known)
            x = dict(zip(known, arrays, strict=False))
        given = self._named(x, known)
        for name, values in given.items():
            wanted = (None, 1) if name == "n_steps" else (None, None, self._nodes[name].size_out)
            given[name] = self._check_inputs(name, values, wanted)
            given[name].set_shape(wanted)
        first = next((values for name, values in given.items() if name != "n_steps"), None)
        if first is None and (self._nodes or not given):
            raise self._error(f"expected values of the Nodes {_list(self._nodes)}")
        for name, node in self._nodes.items():
            if name not in given and first is not None:
                output = self._sim.tensor_graph.input_funcs[node]
                if not isinstance(output, np.ndarray):
                    raise self._error(
                        f"expected values of the Node {name!r}, whose function is not called for "
                        "data of TensorFlow, got none"
                    )
                given[name] = tf.ones_like(first[..., :1]) * tf.cast(output, first.dtype)
        return {name: given[name] for name in known if name in given}

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
        return {name: tf.gather(values, places) for name, values in x.items()}, count

    # -- whole minibatches

    def check_whole(self, x: Any, keeps_state: bool, argument: str = "x") -> None:
        """Raise if a minibatch that has to be filled up were to end in a state that is kept."""
        if keeps_state and isinstance(x, Mapping) and len(x["n_steps"]) % self._batch:
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
        if not isinstance(arguments["x"], Mapping):
            return
        items, size = len(arguments["x"]["n_steps"]), self._batch
        n_fitting = items - items % size
        if split:
            trained = {count: int(np.floor(count * (1 - split))) for count in (items, n_fitting)}
            fitting = [count for count, n in trained.items() if n and n % size == 0]
            if not fitting:
                raise self._error(
                    f"the {trained[items]} of {items} items that are to be trained on are not "
                    f"evenly divisible by minibatch_size={size}",
                    "validation_split",
                )
            n_fitting = fitting[0]
        if n_fitting == items:
            return
        if n_fitting == 0:
            raise self._error(
                f"expected at least minibatch_size={size} items to train on, got {items}", "x"
            )
        warnings.warn(
            f"Simulator.fit: the number of items, {items}, is not evenly divisible by "
            f"minibatch_size={size}: the last {items - n_fitting} of them are left out. What to "
            f"do: give a multiple of {size} items, or a Simulator another minibatch_size",
            stacklevel=2,
        )
        for argument in ("x", "y", "sample_weight"):
            arrays = arguments[argument]
            if arrays is not None:
                arguments[argument] = {name: array[:n_fitting] for name, array in arrays.items()}

    def validation(self, data: Any, n_steps: Any, keeps_state: bool) -> Any:
        """
        Return what ``fit`` validates on.

        Parameters
        ----------
        data : tuple of (x, y) or (x, y, sample_weight), data of TensorFlow, or None
            The data.
        n_steps : int, optional
            The number of steps; by default that of the data.
        keeps_state : bool
            Whether the state is kept for the next call.
        """
        self._argument = argument = "validation_data"
        if data is None or _is_stream(data):
            return self._with_first_minibatch(data)
        is_tuple = isinstance(data, list | tuple)
        if not is_tuple or len(data) not in (2, 3):
            raise self._error(
                "expected (x, y) or (x, y, sample_weight), or data of TensorFlow, got "
                f"{f'{len(data)} values' if is_tuple else type(data).__name__}"
            )
        x = self.inputs(data[0], n_steps, argument=argument)
        self.check_whole(x, keeps_state, argument)
        y = self.targets(data[1], x, argument)
        weights = [self.weights(given, y, argument=argument) for given in data[2:]]
        return (x, y, *weights)

    # -- errors

    def _require(
        self,
        fits: Any,
        values: Any,
        message: str,
        hint: str = "",
        got: Shape | None = None,
    ) -> Any:
        """Return values if they fit, or have that checked before they are used in the graph.

        Parameters
        ----------
        fits : bool or tf.Tensor
            Whether they fit.
        values : array or tf.Tensor
            The values.
        message : str
            What was expected.
        hint : str
            What to do, given the shape.
        got : tuple of int or None, optional
            Their shape, if the error is to give it; in the graph it is the one that they have.
        """
        if not tf.is_tensor(fits):
            if not fits:
                shape = "" if got is None else f", got {_write(got)}"
                raise self._error(f"{message}{shape}{hint}")
            return values
        self._graph_checks[message] = self._argument
        data = [message] if got is None else [message, tf.shape(values)]
        with tf.control_dependencies([tf.debugging.Assert(fits, data)]):
            return tf.identity(values)

    def problem_of(self, error: BaseException) -> ValidationError | None:
        """Return an error in words for one of TensorFlow, if it is of what is known here."""
        text = str(error).replace("\\'", "'")  # as TensorFlow quotes
        for message, argument in self._graph_checks.items():
            if message in text:
                shape = re.search(re.escape(message) + r"\] \[\d+ ([\d ]*)\]", text)
                got = f", got {_write((None, *shape[1].split()))}" if shape else ""
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

    def _error(self, message: str, argument: str | None = None) -> ValidationError:
        return ValidationError(message, argument or self._argument, self._sim)


def _leaves(value: Any) -> Iterator[Any]:
    """List what is in nested lists and dictionaries, whose keys may be Probes."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _problem_of_object(obj: Any) -> str | None:
    """Say why the Keras model of a Simulator can't be compiled with an object."""
    if isinstance(obj, type):
        return f"expected an object, got the class {obj!r}. What to do: make an object of it"
    equivalent = keras3_equivalent(obj)
    if equivalent is None:
        return None
    return (
        f"expected an object of tf.keras, got {obj!r} of Keras 3, which the Keras model of a "
        f"Simulator can't use. What to do: take {equivalent} instead"
    )


def _is_array(value: Any) -> bool:
    is_number = isinstance(value, np.generic)
    return not is_number and hasattr(value, "shape") and hasattr(value, "dtype")


def _is_list_of_arrays(value: Any) -> bool:
    """Say whether it is several arrays, and not one that is written as nested lists."""
    if not isinstance(value, list | tuple):
        return False
    return all(item is None or _is_array(item) for item in value) or (
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


def _shape_of(values: Any) -> Shape | None:
    """Return the shape of an array or tensor; None if not even its rank is known."""
    return None if getattr(values.shape, "rank", 0) is None else tuple(values.shape)


def _hint_of_axes(shape: Shape | None) -> str:
    if shape is not None and len(shape) == 2:
        return ". What to do: give the steps an axis of their own: values[:, None] for one step"
    if shape is not None and len(shape) == 1:
        return ". What to do: give steps and values axes of their own: values[:, None, None]"
    return ""


def _list(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names)) or "(none)"


def _write(shape: Iterable[Any]) -> str:
    sizes = [
        (_AXES[axis] if axis < len(_AXES) else "size") if size is None else str(size)
        for axis, size in enumerate(shape)
    ]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"
