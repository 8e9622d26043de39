"""A Keras model that predicts from arrays by itself, and keeps functions that write no state."""

from __future__ import annotations

import contextlib
from collections.abc import Hashable, Iterator
from typing import Any

import numpy

from nengo_layers_plus._upstream import keras, tf

_TRAIN = ("train_function", "train_tf_function")
_TEST = ("test_function",)
_PREDICT = ("predict_function",)
# The number of cases whose functions are kept.
_MOST_CASES = 16


def use_array_model(model: Any, calls: Any) -> None:
    """Have the Keras model of a Simulator be an `ArrayModel`.

    Parameters
    ----------
    model : tf.keras.Model
        The model of a Simulator.
    calls : simulator._array_calls.ArrayCalls
        Checks minibatches, says what functions are traced for, and runs arrays in memory.
    """
    kind = type(model)
    object.__setattr__(model, "__class__", type(kind.__name__, (ArrayModel, kind), {}))
    # not an attribute that Keras would take for a part of the model
    model.__dict__.update(_calls=calls, _functions={})


class ArrayModel:
    """A functional Keras model of a Simulator.

    For each call of ``predict`` Keras builds a pipeline of datasets, which takes longer than many
    networks run. Arrays in memory need none. For ``fit`` and ``evaluate`` it keeps functions for
    several cases. Those that leave the state of the simulation as it is do not write it, so that it
    need not be copied before, and restored behind each minibatch.
    """

    _calls: Any
    _training_state = None  # BackupAndRestore deletes it, and Keras asks for it in the next call

    @contextlib.contextmanager
    def functions_for(self, case: Hashable, names: tuple[str, ...]) -> Iterator[None]:
        """Use functions that are traced for some case, and for no other.

        Parameters
        ----------
        case : hashable
            The case.
        names : tuple of str
            The functions that are called: validation within ``fit`` has others.
        """
        functions = self.__dict__["_functions"]
        previous = {name: getattr(self, name) for name in names}
        cached = functions.get((case, names), {})
        try:
            for name in names:
                setattr(self, name, cached.get(name))
            yield
        except BaseException:
            functions.pop((case, names), None)  # it may be half traced
            raise
        else:
            functions.pop((case, names), None)
            functions[case, names] = {name: getattr(self, name) for name in names}
            while len(functions) > _MOST_CASES:
                functions.pop(next(iter(functions)))
        finally:
            for name, function in previous.items():
                setattr(self, name, function)

    @contextlib.contextmanager
    def _own_validation(self) -> Iterator[None]:
        """Validate on the data of this call: not on those of one that failed or is around it."""
        previous = getattr(self, "_eval_data_handler", None)
        self._eval_data_handler = None
        try:
            yield
        finally:
            self._eval_data_handler = previous

    def forget_functions(self) -> None:
        """Have Keras trace its functions anew."""
        self.__dict__["_functions"].clear()

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Do what ``tf.keras.Model.compile`` does."""
        self.forget_functions()
        super().compile(*args, **kwargs)  # type: ignore[misc]

    def fit(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Do what ``tf.keras.Model.fit`` does."""
        y, weights = kwargs.get("y"), kwargs.get("sample_weight")
        with (
            self._own_validation(),
            self._calls.case_of(x, training=True, y=y, weights=weights) as case,
            self.functions_for(case, _TRAIN),
        ):
            return super().fit(x, *args, **kwargs)  # type: ignore[misc]

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def train_step(self, data: Any) -> Any:
        """Do what ``tf.keras.Model.train_step`` does, with one chunk of steps after another."""
        x, y, weights, _ = self._calls.minibatch(data)
        if not self._calls.chunked:
            return super().train_step((x, y, weights))  # type: ignore[misc]
        self._prepare_metrics(y)
        self._calls.train_in_chunks(
            (x, y, weights),
            train=super().train_step,  # type: ignore[misc]
            run=lambda inputs: self(inputs, training=True),  # type: ignore[operator]
        )
        return self.get_metrics_result()  # type: ignore[attr-defined]

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def test_step(self, data: Any) -> Any:
        """Do what ``tf.keras.Model.test_step`` does, with minibatches that are not full."""
        x, y, weights, count = self._calls.minibatch(data, fills=True)
        outputs = self._first(count, self(x, training=False))  # type: ignore[operator]
        self.compute_loss(x, y, outputs, weights)
        return self.compute_metrics(x, y, outputs, weights)  # type: ignore[attr-defined]

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def predict_step(self, data: Any) -> Any:
        """Do what ``tf.keras.Model.predict_step`` does, with minibatches that are not full."""
        x, _, _, count = self._calls.minibatch(data, fills=True, learned=False)
        return self._first(count, self(x, training=False))  # type: ignore[operator]

    def _first(self, count: Any, outputs: Any) -> Any:
        return outputs if count is None else [output[:count] for output in outputs]

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None
    ) -> Any:
        """Do what ``tf.keras.Model.compute_loss`` does, and have the loss checked."""
        loss = super().compute_loss(x, y, y_pred, sample_weight)  # type: ignore[misc]
        return self._calls.check_loss(y, loss)

    def _prepare_metrics(self, y: Any) -> None:
        """Have Keras choose metrics by all targets, of which a first chunk may lack some."""
        metrics = self.compiled_metrics  # type: ignore[attr-defined]
        if metrics is not None and not metrics.built:
            outputs = self.outputs  # type: ignore[attr-defined]
            metrics.build(outputs, metrics._conform_to_outputs(outputs, y))

    def evaluate(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Do what ``tf.keras.Model.evaluate`` does."""
        with self._calls.case_of(x) as case, self.functions_for(case, _TEST):
            return super().evaluate(x, *args, **kwargs)  # type: ignore[misc]

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Do what ``tf.keras.Model.predict`` does."""
        size = _count_items(x)
        if size is None or batch_size is None or steps is not None or kwargs:
            with self._calls.case_of(None) as case, self.functions_for(case, _PREDICT):
                return super().predict(  # type: ignore[misc]
                    x,
                    batch_size=batch_size,
                    verbose=verbose,
                    steps=steps,
                    callbacks=callbacks,
                    **kwargs,
                )
        verbose = 1 if verbose == "auto" else verbose
        count = -(-size // batch_size)
        if count == 1 and verbose == 0 and not callbacks:
            return _copied(self._calls(x))  # nothing watches it
        watching = keras.callbacks.CallbackList(
            callbacks,
            add_history=True,
            add_progbar=verbose != 0,
            model=self,
            verbose=verbose,
            epochs=1,
            steps=count,
        )
        watching.on_predict_begin()
        batches = []
        for index in range(count):
            part = slice(index * batch_size, (index + 1) * batch_size)
            watching.on_predict_batch_begin(index)
            outputs = self._calls({name: value[part] for name, value in x.items()})
            logs = {"outputs": _copied(outputs)} if callbacks else {}
            watching.on_predict_batch_end(index, logs)
            batches.append(outputs)
        watching.on_predict_end()
        if count == 1:
            return _copied(batches[0])
        # views of the tensors, so that their values are copied once
        return [
            numpy.concatenate(list(map(numpy.asarray, parts)))
            for parts in zip(*batches, strict=True)
        ]

    def predict_on_batch(self, x: Any) -> Any:
        """Do what ``tf.keras.Model.predict_on_batch`` does."""
        if _count_items(x) is None:
            with self._calls.case_of(None) as case, self.functions_for(case, _PREDICT):
                return super().predict_on_batch(x)  # type: ignore[misc]
        return _copied(self._calls(x))


def _copied(outputs: Any) -> list[Any]:
    """Return arrays that may be written to."""
    return [output.numpy() for output in outputs]


def _count_items(x: Any) -> int | None:
    """Count the items of arrays in a dictionary; None for any other data."""
    if not isinstance(x, dict) or not x:
        return None
    if not all(isinstance(array, numpy.ndarray) or tf.is_tensor(array) for array in x.values()):
        return None
    sizes = {array.shape[0] for array in x.values()}
    return sizes.pop() if len(sizes) == 1 and None not in sizes and 0 not in sizes else None
