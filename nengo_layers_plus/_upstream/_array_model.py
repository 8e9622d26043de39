"""A Keras model that predicts from arrays by itself, and keeps functions that write no state."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy

from nengo_layers_plus._upstream import keras, nengo_dl, tf

_FUNCTIONS = ("train_function", "train_tf_function", "test_function", "predict_function")


class Calls(Protocol):
    """How an `ArrayModel` is called."""

    @property
    def isolated(self) -> bool:
        """Whether the state of the simulation is left as it is."""

    @property
    def chunked(self) -> bool:
        """Whether it trains on chunks of sequences."""

    def check_loss(self, y: Any, loss: Any) -> Any:
        """Check targets and a loss; return the loss."""

    def case_of(
        self, x: Any, training: bool = False, y: Any = None, weights: Any = None
    ) -> AbstractContextManager[Hashable]:
        """Say what functions have to be traced for, to be used with some data."""

    def train_in_chunks(
        self, data: Any, train: Callable[[Any], Any], run: Callable[[Any], Any]
    ) -> None:
        """Train on chunks of sequences, where each is trained, or just run."""

    def __call__(self, arrays: Mapping[str, Any]) -> list[Any]:
        """Run a minibatch of arrays by the names of the inputs; return a tensor for each output."""


def use_array_model(model: Any, calls: Calls) -> None:
    """Have the Keras model of a Simulator be an `ArrayModel`.

    Parameters
    ----------
    model : tf.keras.Model
        The model of a Simulator.
    calls : Calls
        How it is called.
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

    _calls: Calls
    _training_state = None  # BackupAndRestore deletes it, and Keras asks for it in the next call

    @contextlib.contextmanager
    def functions_for(self, case: Hashable) -> Iterator[None]:
        """Use functions that are traced for some case, and for no other.

        Parameters
        ----------
        case : hashable
            The case; None for the functions that are used outside.
        """
        if case is None:
            yield
            return
        kept = self.__dict__["_functions"]
        outside = {name: getattr(self, name) for name in _FUNCTIONS}
        own = kept.get(case, {})
        try:
            for name in _FUNCTIONS:
                setattr(self, name, own.get(name))
            yield
        finally:
            kept[case] = {name: getattr(self, name) for name in _FUNCTIONS}
            for name, function in outside.items():
                setattr(self, name, function)

    def forget_functions(self) -> None:
        """Have Keras trace its functions anew."""
        self.__dict__["_functions"].clear()
        for name in _FUNCTIONS:
            setattr(self, name, None)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Do what ``tf.keras.Model.compile`` does."""
        self.__dict__["_functions"].clear()
        super().compile(*args, **kwargs)  # type: ignore[misc]

    def fit(self, x: Any = None, *args: Any, callbacks: Any = None, **kwargs: Any) -> Any:
        """Do what ``tf.keras.Model.fit`` does."""
        callbacks = self._needed(callbacks)
        y, weights = kwargs.get("y"), kwargs.get("sample_weight")
        with (
            self._calls.case_of(x, training=True, y=y, weights=weights) as case,
            self.functions_for(case),
        ):
            return super().fit(x, *args, callbacks=callbacks, **kwargs)  # type: ignore[misc]

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def train_step(self, data: Any) -> Any:
        """Do what ``tf.keras.Model.train_step`` does, with one chunk of steps after another."""
        if not self._calls.chunked:
            return super().train_step(data)  # type: ignore[misc]
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        self._prepare_metrics(y)
        self._calls.train_in_chunks(
            (x, y, weights),
            train=super().train_step,  # type: ignore[misc]
            run=lambda inputs: self(inputs, training=True),  # type: ignore[operator]
        )
        return self.get_metrics_result()  # type: ignore[attr-defined]

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

    def evaluate(self, x: Any = None, *args: Any, callbacks: Any = None, **kwargs: Any) -> Any:
        """Do what ``tf.keras.Model.evaluate`` does."""
        callbacks = self._needed(callbacks)
        with self._calls.case_of(x) as case, self.functions_for(case):
            return super().evaluate(x, *args, callbacks=callbacks, **kwargs)  # type: ignore[misc]

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
        callbacks = self._needed(callbacks)
        size = _count_items(x)
        if size is None or batch_size is None or size % batch_size or steps is not None or kwargs:
            with self._calls.case_of(None) as case, self.functions_for(case):
                return super().predict(  # type: ignore[misc]
                    x,
                    batch_size=batch_size,
                    verbose=verbose,
                    steps=steps,
                    callbacks=callbacks,
                    **kwargs,
                )
        verbose = 1 if verbose == "auto" else verbose
        count = size // batch_size
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
            numpy.concatenate(list(map(numpy.asarray, each))) for each in zip(*batches, strict=True)
        ]

    def predict_on_batch(self, x: Any) -> Any:
        """Do what ``tf.keras.Model.predict_on_batch`` does."""
        if _count_items(x) is None:
            with self._calls.case_of(None) as case, self.functions_for(case):
                return super().predict_on_batch(x)  # type: ignore[misc]
        return _copied(self._calls(x))

    def _needed(self, callbacks: Any) -> Any:
        """Leave out what nengo_dl adds to restore the state, where nothing writes it."""
        if not self._calls.isolated or not isinstance(callbacks, list):
            return callbacks
        restoring = nengo_dl.callbacks.IsolateState
        return [each for each in callbacks if type(each) is not restoring]


def _copied(outputs: Any) -> list[Any]:
    """Return arrays that may be written to."""
    return [each.numpy() for each in outputs]


def _count_items(x: Any) -> int | None:
    """Count the items of arrays in a dictionary; None for any other data."""
    if not isinstance(x, dict) or not x:
        return None
    if not all(isinstance(each, numpy.ndarray) or tf.is_tensor(each) for each in x.values()):
        return None
    sizes = {each.shape[0] for each in x.values()}
    return sizes.pop() if len(sizes) == 1 and None not in sizes and 0 not in sizes else None
