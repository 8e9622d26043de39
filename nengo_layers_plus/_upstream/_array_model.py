"""A Keras model that predicts from arrays without a pipeline of datasets."""

from __future__ import annotations

from typing import Any

import numpy

from nengo_layers_plus._upstream import keras, tf


def predict_from_arrays(model: Any) -> None:
    """Have a functional Keras model take minibatches from arrays directly."""
    kind = type(model)
    object.__setattr__(model, "__class__", type(kind.__name__, (_FromArrays, kind), {}))


class _FromArrays:
    """A functional Keras model that takes minibatches from arrays directly.

    For each call of ``predict`` Keras builds a pipeline of datasets, which takes longer than many
    networks run. Arrays in memory need none.
    """

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
        if size is None or batch_size is None or size % batch_size or steps is not None or kwargs:
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
            inputs = {name: value[part] for name, value in x.items()}
            outputs = self.predict_on_batch(inputs)  # type: ignore[attr-defined]
            watching.on_predict_batch_end(index, {"outputs": outputs})
            batches.append(outputs)
        watching.on_predict_end()
        return tf.nest.map_structure(lambda *each: numpy.concatenate(each), *batches)


def _count_items(x: Any) -> int | None:
    """Count the items of arrays in a dictionary; None for any other data."""
    if not isinstance(x, dict) or not x:
        return None
    if not all(isinstance(each, numpy.ndarray) or tf.is_tensor(each) for each in x.values()):
        return None
    sizes = {each.shape[0] for each in x.values()}
    return sizes.pop() if len(sizes) == 1 and None not in sizes and 0 not in sizes else None
