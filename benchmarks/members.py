"""The members of a case: simulators and models, opened and given their data."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from benchmarks import neuron_types, plain_keras
from benchmarks.case import Case
from benchmarks.networks import BenchmarkNetwork
from nengo_layers_plus import CustomLayer, Simulator, nengo_dl
from nengo_layers_plus._upstream import tf

Run = Callable[[], np.ndarray]  # does the work once and returns its numbers, on the host
N_CLASSES = 10

# the share of noise in images: with noise alone, the input of a neuron would be about the same for
# all images, and few would fire
NOISE = 0.2
MOST_SECONDS_TO_SETTLE = 20.0


class Members(dict[str, Run]):
    """The functions to be timed, by member, with their networks and simulators."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.case = case
        self.networks: dict[str, BenchmarkNetwork] = {}
        self.simulators: dict[str, nengo_dl.Simulator] = {}

    @property
    def n_neurons(self) -> int:
        """How many neurons the network has."""
        return next(iter(reversed(self.networks.values()))).n_neurons

    @property
    def remark(self) -> str:
        """A possible reason of numbers that differ."""
        layer, stock = self.case.layer, self.case.stock_layer
        remark = ". If weights start at random, their initialisers need a seed"
        if layer in (CustomLayer, stock):
            return remark
        own, other = (getattr(layers, "__name__", repr(layers)) for layers in (layer, stock))
        return (
            f"{remark}. They were compared with those of {other}: if {own} makes another network, "
            f"give the case stock_layer={own}, so that both simulators get the same"
        )

    def settle(self) -> None:
        """Call ours until it runs as it goes on to run: compilation may be deferred at first."""
        sim = self.simulators.get("ours") if self.case.use == "predict" else None
        latest = time.perf_counter() + MOST_SECONDS_TO_SETTLE
        while sim is not None and sim.execution.waits and time.perf_counter() < latest:
            self["ours"]()

    @property
    def execution(self) -> str:
        """How ours ran, and why: known after it has."""
        sim = self.simulators.get("ours")
        if sim is None:
            return ""
        execution = sim.training_execution if self.case.use == "fit" else sim.execution
        return f"{execution.mode}, {execution.why}"


@contextlib.contextmanager
def open_members(case: Case, ours: Mapping[str, Any] | None = None) -> Iterator[Members]:
    """Build what a case compares; ``ours`` are arguments for our Simulator alone."""
    with contextlib.ExitStack() as stack:
        members = Members(case)
        for name in case.members:
            if name == "keras":
                continue
            built = case.build_for(name)
            # Ours closes first: the last in is the first out.
            sim = stack.enter_context(open_simulator(case, name, built, ours))
            members.networks[name] = built
            members.simulators[name] = sim
            members[name] = bind(case, built, sim)
        if "keras" in case.members:
            members["keras"] = _plain(case)
        yield members
    tf.keras.backend.clear_session()


def open_simulator(
    case: Case, member: str, built: BenchmarkNetwork, ours: Mapping[str, Any] | None = None
) -> nengo_dl.Simulator:
    """Build the simulator of a member; ``ours`` are arguments as for `open_members`."""
    stock = member == "stock"
    is_ours = member == "ours" or (stock and case.beside is not None)
    cls, kwargs = (Simulator, ours or {}) if is_ours else (nengo_dl.Simulator, {})
    with neuron_types.in_python() if stock and case.in_python else contextlib.nullcontext():
        return cls(
            built.network, minibatch_size=case.minibatch, seed=0, progress_bar=False, **kwargs
        )


def bind(case: Case, built: BenchmarkNetwork, sim: nengo_dl.Simulator) -> Run:
    """Make the data of a case, and return what makes a simulator use it: what is timed."""
    if not case.fed:
        return lambda: sim.predict(n_steps=case.n_steps, verbose=0)[built.probe]
    images = make_images(case, built.input.size_out)
    data = {built.input: images}
    if case.use == "predict":
        return lambda: sim.predict(data, verbose=0)[built.probe]
    _compile(sim)
    labels = {built.probe: _labels(len(images), case.n_steps)}
    return lambda: _epoch(sim.fit, sim.keras_model, data, labels)


def make_images(case: Case, size: int) -> np.ndarray:
    """Return random images from 0 to 1, (batch, time, size): still, or with noise in each step."""
    rng = np.random.default_rng(0)
    n_images = case.minibatch * case.batches
    images = rng.random((n_images, 1, size), dtype=np.float32)
    if case.still:
        return np.repeat(images, case.n_steps, axis=1)
    noise = rng.random((n_images, case.n_steps, size), dtype=np.float32)
    # in place, as there can be gigabytes of them
    noise *= NOISE
    noise += (1 - NOISE) * images
    return noise


def _plain(case: Case) -> Run:
    assert case.plain is not None  # Case sees to it
    layers, shape = case.plain.make(), case.plain.shape
    images = make_images(case, int(np.prod(shape)))
    if case.use == "predict":
        return plain_keras.bare(layers, shape, images)
    # It has no time: steps are samples.
    model = plain_keras.rate_model(layers, shape)
    _compile(model)
    return lambda: _epoch(
        partial(model.fit, batch_size=case.minibatch * case.n_steps),
        model,
        images.reshape(-1, *shape),
        _labels(len(images), case.n_steps).reshape(-1, 1),
    )


def _compile(model: Any) -> None:
    # With small steps losses can be compared, though rounding changes gradients; see `assert_same`.
    model.compile(
        optimizer=tf.optimizers.Adam(1e-4),
        loss=tf.losses.SparseCategoricalCrossentropy(from_logits=True),
    )


def _labels(n_images: int, n_steps: int) -> np.ndarray:
    return np.random.RandomState(1).randint(0, N_CLASSES, (n_images, n_steps, 1))


def _epoch(fit: Callable[..., Any], model: tf.keras.Model, x: Any, y: Any) -> np.ndarray:
    loss = fit(x, y, shuffle=False, verbose=0).history["loss"]
    # The loss of the last minibatch is known before its update is done, on a GPU.
    model.trainable_weights[-1].numpy()
    return np.array(loss)
