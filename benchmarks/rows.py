"""What is measured: one row a network, use and size."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import nengo
import numpy as np

from benchmarks import neuron_types, plain_keras
from benchmarks.networks import (
    IMAGE_SHAPE,
    BenchmarkNetwork,
    convolutional,
    convolutional_layers,
    dense,
    dense_layers,
    population,
    recurrent_ensemble,
)
from nengo_layers_plus import Simulator, nengo_dl
from nengo_layers_plus._upstream import tf

Run = Callable[[], np.ndarray]
"""Does the work once and returns its numbers, on the host."""

Members = Mapping[str, Run]


@dataclass(frozen=True)
class Row:
    """
    A network in use.

    Parameters
    ----------
    name : str
        Stays the same from version to version.
    build : callable
        Returns the network.
    use : {"predict", "fit"}
        What is timed. `fit` trains for one epoch.
    minibatch, n_steps : int
        Samples at once, and time steps of each.
    target : float
        How many times as fast as `nengo_dl.Simulator` it shall be.
    quick : tuple of int
        Minibatch and steps where time is short.
    batches : int
        Minibatches of one timed call.
    layers : callable
        Returns the layers for plain tf.keras, where that is measured too.
    shape : tuple of int
        Of one sample, for plain tf.keras.
    beside : callable
        Returns another network, for our Simulator, to be measured beside; by default it is the
        same, for `nengo_dl.Simulator`.
    same : bool
        Whether both networks give the same numbers.
    in_python : bool
        Whether nengo_dl runs the neurons in Python, as it does without this package.
    """

    name: str
    build: Callable[[], BenchmarkNetwork]
    use: str
    minibatch: int
    n_steps: int
    target: float
    quick: tuple[int, int]
    batches: int = 1
    layers: Callable[[], list[tf.keras.layers.Layer]] | None = None
    shape: tuple[int, ...] = IMAGE_SHAPE
    beside: Callable[[], BenchmarkNetwork] | None = None
    same: bool = True
    in_python: bool = False

    @property
    def samples_steps(self) -> int:
        """Samples times steps of one timed call."""
        return self.minibatch * self.batches * self.n_steps

    def small(self) -> Row:
        """Return the row with its quick sizes."""
        minibatch, n_steps = self.quick
        return replace(self, minibatch=minibatch, n_steps=n_steps, batches=min(self.batches, 2))


EPOCH = 20
"""Minibatches of an epoch: with fewer, what a call of Keras' `fit` takes would be measured."""

LOWPASS = nengo.Lowpass(0.005)
_conv = {"layers": convolutional_layers}
_dense = {"layers": dense_layers, "shape": (784,)}

ROWS = {
    row.name: row
    for row in [
        Row("conv-predict-200x30", convolutional, "predict", 200, 30, 12, (20, 10), **_conv),
        Row("conv-predict-10x50", convolutional, "predict", 10, 50, 9, (10, 10), **_conv),
        Row("conv-predict-1x50", convolutional, "predict", 1, 50, 6, (1, 20), **_conv),
        Row("dense-predict-100x100", dense, "predict", 100, 100, 9, (100, 20), **_dense),
        Row("dense-predict-1000x20", dense, "predict", 1000, 20, 7, (200, 10), **_dense),
        Row("conv-fit-200x1", convolutional, "fit", 200, 1, 5, (20, 1), EPOCH, **_conv),
        Row("dense-fit-1000x1", dense, "fit", 1000, 1, 5, (200, 1), EPOCH, **_dense),
        Row(
            "conv-lowpass-fit-20x10",
            partial(convolutional, synapse=LOWPASS),
            "fit",
            20,
            10,
            4,
            (5, 5),
            batches=5,
        ),
        Row(
            "conv-adaptive-predict-10x20",
            partial(convolutional, neurons=neuron_types.ADAPTIVE),
            "predict",
            10,
            20,
            1,
            (4, 5),
        ),
        Row(
            "conv-builder-predict-10x50",
            partial(convolutional, neurons=neuron_types.SoftReset()),
            "predict",
            10,
            50,
            1,
            (10, 10),
        ),
        *(
            Row(
                f"{name}-predict-{minibatch}x50",
                partial(population, neurons),
                "predict",
                minibatch,
                50,
                5,
                (4, 10),
                in_python=True,
            )
            for name, neurons in (
                ("adaptive-lif", nengo.AdaptiveLIF()),
                ("izhikevich", nengo.Izhikevich()),
                ("own-lif", neuron_types.OwnLIF()),
            )
            for minibatch in (32, 256)
        ),
        *(
            Row(
                f"{name}-beside-lif-{minibatch}x50",
                partial(population, neurons),
                "predict",
                minibatch,
                50,
                target,
                (4, 10),
                beside=partial(population, nengo.LIF()),
                same=same,
            )
            for name, neurons, same, target in (
                ("own-lif", neuron_types.OwnLIF(), False, 0.85),
                # of nengo.LIF it is known that one number holds its two states
                ("own-refractory-lif", neuron_types.OwnRefractoryLIF(), True, 0.4),
            )
            for minibatch in (32, 256)
        ),
        Row(
            "spikes-fit-100x50",
            partial(dense, neurons=neuron_types.THROUGH_SPIKES),
            "fit",
            100,
            50,
            1,
            (20, 10),
            batches=4,
        ),
        Row("recurrent-predict-1x1000", recurrent_ensemble, "predict", 1, 1000, 0.95, (1, 200)),
    ]
}


@contextlib.contextmanager
def open_members(row: Row, ours: Mapping[str, Any] | None = None) -> Iterator[Members]:
    """
    Build what a row compares.

    Parameters
    ----------
    row : Row
        The row.
    ours : dict
        Arguments for `nengo_layers_plus.Simulator` alone.

    Yields
    ------
    members : dict of callable
        "stock", "ours", and "keras" where plain tf.keras is measured too.
    """
    with contextlib.ExitStack() as stack:
        members = {}
        ours = ours or {}
        first = (nengo_dl.Simulator, {}) if row.beside is None else (Simulator, ours)
        for name, (cls, kwargs) in (("stock", first), ("ours", (Simulator, ours))):
            built = (row.beside or row.build)() if name == "stock" else row.build()
            as_alone = row.in_python and name == "stock"
            with neuron_types.in_python() if as_alone else contextlib.nullcontext():
                sim = open_simulator(cls, built, row.minibatch, **kwargs)
            # Ours closes first: the last in is the first out.
            stack.enter_context(sim)
            members[name] = bind(row, built)(sim)
        if row.layers is not None:
            members["keras"] = _plain(row)
        yield members
    tf.keras.backend.clear_session()


def open_simulator(
    cls: type[nengo_dl.Simulator], built: BenchmarkNetwork, minibatch: int, **kwargs: Any
) -> nengo_dl.Simulator:
    """Build a simulator, the same numbers whichever class it is of."""
    return cls(built.network, minibatch_size=minibatch, seed=0, progress_bar=False, **kwargs)


def make_images(row: Row, size: int) -> np.ndarray:
    """Return still images, with the shape (batch, time, size), from 0 to 1."""
    rng = np.random.RandomState(0)
    images = rng.uniform(0, 1, (row.minibatch * row.batches, 1, size)).astype(np.float32)
    return np.tile(images, (1, row.n_steps, 1))


def bind(row: Row, built: BenchmarkNetwork) -> Callable[[nengo_dl.Simulator], Run]:
    """
    Make the data of a row, and return what makes a simulator use it.

    Parameters
    ----------
    row : Row
        How the network is used.
    built : BenchmarkNetwork
        The network.

    Returns
    -------
    use : callable
        Takes the simulator and returns what is timed.
    """
    images = make_images(row, built.input.size_out)
    data = {built.input: images}
    if row.use == "predict":
        return lambda sim: lambda: sim.predict(data, verbose=0)[built.probe]
    labels = {built.probe: _labels(len(images), row.n_steps)}

    def fit(sim: nengo_dl.Simulator) -> Run:
        _compile(sim)
        return lambda: _epoch(sim.fit, sim.keras_model, data, labels)

    return fit


def _plain(row: Row) -> Run:
    assert row.layers is not None
    images = make_images(row, int(np.prod(row.shape)))
    if row.use == "predict":
        return plain_keras.bare(row.layers(), row.shape, images)
    assert row.n_steps == 1, "plain tf.keras has no time"
    model = plain_keras.rate_model(row.layers(), row.shape)
    _compile(model)
    labels = _labels(len(images), 1)[:, 0]
    return lambda: _epoch(
        partial(model.fit, batch_size=row.minibatch),
        model,
        images.reshape(-1, *row.shape),
        labels,
    )


def _compile(model: Any) -> None:
    # With small steps losses can be compared, though rounding changes gradients; see `assert_same`.
    model.compile(
        optimizer=tf.optimizers.Adam(1e-4),
        loss=tf.losses.SparseCategoricalCrossentropy(from_logits=True),
    )


def _labels(n_images: int, n_steps: int) -> np.ndarray:
    return np.random.RandomState(1).randint(0, 10, (n_images, n_steps, 1))


def _epoch(fit: Callable[..., Any], model: tf.keras.Model, x: Any, y: Any) -> np.ndarray:
    loss = fit(x, y, shuffle=False, verbose=0).history["loss"]
    # The loss of the last minibatch is known before its update is done, on a GPU.
    model.trainable_weights[-1].numpy()
    return np.array(loss)
