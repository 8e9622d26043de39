"""All cases that are measured, suite by suite.

Minibatches grow at 10 steps, and steps at 10 samples. Where a round would take long, "layer" stays
out: its cost shows at the smaller sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import nengo

from benchmarks import networks, neuron_types
from benchmarks.case import STANDARD_MEMBERS, Case, PlainLayers

# minibatches of an epoch: a call of Keras' `fit` has an overhead that few of them do not hide
EPOCH = 20
SHORT_EPOCH = 5  # where an epoch of "stock" would take long, and on no curve
NO_LAYER = ("stock", "ours", "keras")
TWO = ("stock", "ours")

Size = tuple[int, int]  # samples at once, and steps


@dataclass(frozen=True)
class Subject:
    """A network, and the layers that plain tf.keras applies in its place."""

    network: str
    build: Callable[..., networks.BenchmarkNetwork]
    plain: PlainLayers | None = None

    def cases(self, use: str, *sizes: Size, **settings: Any) -> list[Case]:
        """Return it in use; plain tf.keras joins the members if there is something to apply."""
        settings = {
            "members": STANDARD_MEMBERS if self.plain is None else (*STANDARD_MEMBERS, "keras"),
            "plain": self.plain,
            "suite": "pipeline",
            "batches": EPOCH if use == "fit" else 1,
            **settings,
        }
        return [Case(self.network, self.build, use, *size, **settings) for size in sizes]

    def still(self, *sizes: Size, **settings: Any) -> list[Case]:
        """Return what simulates images that stand still."""
        settings |= {"label": f"{self.network}-still", "still": True, "members": NO_LAYER}
        return self.cases("predict", *sizes, **settings)


_images = PlainLayers(networks.convolutional_layers, networks.IMAGE_SHAPE)
_colours = PlainLayers(networks.deep_layers, networks.COLOUR_IMAGE_SHAPE)
_vector = networks.VECTOR_SHAPE

ONE_DENSE = Subject(
    "one-dense", networks.one_dense, PlainLayers(networks.one_dense_layers, _vector)
)
DENSE = Subject("dense", networks.dense, PlainLayers(networks.dense_layers, _vector))
CONV = Subject("conv", networks.convolutional, _images)
DEEP = Subject("deep", networks.deep, _colours)
LOWPASS = Subject("conv-lowpass", networks.with_synapses, _images)
RESIDUAL = Subject("residual", networks.residual)
RECURRENT_LAYER = Subject("recurrent-layer", networks.recurrent)
ENSEMBLE = Subject("recurrent", lambda *_: networks.recurrent_ensemble())
POPULATION = Subject("population", networks.population)

# A network as a whole

PREDICT = [
    *ONE_DENSE.cases("predict", (1, 10), (100, 10), (1000, 10)),
    *DENSE.cases("predict", (1, 10)),
    *DENSE.cases("predict", (10, 10), quick=True),
    *DENSE.cases("predict", (100, 10), (1000, 10), (10, 1), (10, 100), (100, 100)),
    *CONV.cases("predict", (1, 10)),
    *CONV.cases("predict", (10, 10), quick=True),
    *CONV.cases("predict", (100, 10), members=NO_LAYER),
    *CONV.cases("predict", (10, 1), (10, 50)),
    *CONV.cases("predict", (10, 100), members=NO_LAYER),
    *ONE_DENSE.still((1000, 10)),
    *DENSE.still((10, 10)),
    *DENSE.still((100, 100), target=9),
    *DENSE.still((1000, 20), target=7),
    *CONV.still((1, 50), target=6),
    *CONV.still((10, 50), target=9),
    *CONV.still((200, 30), target=12),
    *DEEP.cases("predict", (1, 10), (10, 10)),
    *LOWPASS.cases("predict", (10, 10), quick=True),
    *LOWPASS.cases("predict", (100, 10), members=NO_LAYER),
    *RESIDUAL.cases("predict", (10, 10), quick=True),
    *RESIDUAL.cases("predict", (100, 10)),
    *RECURRENT_LAYER.cases("predict", (1, 100)),
    *RECURRENT_LAYER.cases("predict", (10, 100), quick=True),
    *RECURRENT_LAYER.cases("predict", (100, 10)),
    *ENSEMBLE.cases("predict", (1, 1000), target=0.95, members=TWO),
]

FIT = [
    *ONE_DENSE.cases("fit", (100, 1)),
    *DENSE.cases("fit", (1, 1), (10, 1)),
    *DENSE.cases("fit", (100, 1), quick=True),
    *DENSE.cases("fit", (1000, 1), target=5),
    *DENSE.cases("fit", (10, 1), label="dense-one-minibatch", batches=1),
    *DENSE.cases("fit", (10, 10)),
    *DENSE.cases("fit", (100, 10), (10, 100), members=NO_LAYER),
    *CONV.cases("fit", (1, 1)),
    *CONV.cases("fit", (10, 1), quick=True),
    *CONV.cases("fit", (100, 1), members=NO_LAYER),
    *CONV.cases("fit", (200, 1), target=5, members=NO_LAYER),
    *CONV.cases("fit", (10, 10), members=NO_LAYER),
    *DEEP.cases("fit", (10, 1), members=NO_LAYER),
    *LOWPASS.cases("fit", (20, 10), batches=SHORT_EPOCH, target=4, members=NO_LAYER),
    *RESIDUAL.cases("fit", (10, 10), members=TWO),
    *RECURRENT_LAYER.cases("fit", (10, 10)),
]

# Types of neurons: in Python, as nengo_dl runs those that it has no code for, and in TensorFlow

_neurons = {"suite": "neurons", "members": STANDARD_MEMBERS}
_sizes = ((32, 50), (256, 50))


def _in_python(label: str, neurons: Any, target: float | None = 5) -> list[Case]:
    settings = {"label": label, "neurons": neurons, "target": target, "in_python": True}
    return POPULATION.cases("predict", *_sizes, **settings, **_neurons)


def _conv(label: str, neurons: Any, n_steps: int) -> list[Case]:
    settings = {"label": label, "neurons": neurons, "target": 1, **_neurons}
    return CONV.cases("predict", (10, n_steps), **settings)


NEURONS = [
    *POPULATION.cases("predict", *_sizes, label="lif", neurons=nengo.LIF(), **_neurons),
    *_in_python("adaptive-lif", nengo.AdaptiveLIF()),
    *_in_python("izhikevich", nengo.Izhikevich()),
    *_in_python("own-lif", neuron_types.OwnLIF()),
    *_in_python("own-refractory-lif", neuron_types.OwnRefractoryLIF(), target=None),
    *_conv("conv-adaptive", neuron_types.ADAPTIVE, 20),
    *_conv("conv-builder", neuron_types.SoftReset(), 50),
]
NEURONS[2] = replace(NEURONS[2], quick=True)

# training through spikes and through time
NEURONS_FIT = DENSE.cases(
    *("fit", (100, 50)),
    batches=4,
    neurons=neuron_types.THROUGH_SPIKES,
    label="spikes",
    suite="neurons",
    target=1,
    members=TWO,
)

# both for our Simulator, hence for `python -m benchmarks.ratios` alone
BESIDE_LIF = [
    case
    for label, neurons, same, target in (
        ("own-lif", neuron_types.OwnLIF(), False, 0.85),
        # of nengo.LIF it is known that one number holds its two states
        ("own-refractory-lif", neuron_types.OwnRefractoryLIF(), True, 0.4),
    )
    for case in POPULATION.cases(
        *("predict", *_sizes),
        label=f"{label}-beside-lif",
        neurons=neurons,
        target=target,
        beside=lambda layer, _: networks.population(layer, nengo.LIF()),
        stock_layer=Case.layer,
        same=same,
        suite="neurons",
        members=TWO,
    )
]

# In processes of their own

START = [
    *CONV.cases("predict", (10, 50), suite="start", members=TWO, quick=True),
    *DENSE.cases("predict", (10, 50), suite="start", members=STANDARD_MEMBERS),
]

LARGEST_MEMORY = 2 * 1024**3  # bytes

_memory = {"suite": "memory", "members": TWO}
_alone = {"members": ("ours",), "memory_target": LARGEST_MEMORY, "fed": False}

MEMORY = [
    *CONV.cases("predict", (10, 50), **_memory),
    *DENSE.cases("predict", (100, 100), quick=True, **_memory),
    *CONV.cases("fit", (100, 1), batches=SHORT_EPOCH, **_memory),
    replace(NEURONS_FIT[0], suite="memory", target=None),
    *CONV.cases("predict", (10, 10_000), suite="memory", **_alone),
]

# What grows

WIDTHS = (64, 256, 1024, 4096)
STEPS = (16, 64, 256, 1024, 4096)
# at small sizes tracing and compilation take most of the memory, and launches most of the time
MINIBATCHES = (4, 16, 64, 256, 1024, 4096)


def _growing(axis: str, *sizes: Size, width: int = 256) -> list[Case]:
    layers = partial(networks.dense_layers, width)
    subject = Subject("dense", partial(networks.feedforward, layers, _vector))
    label = f"dense-{width}" if axis == "neurons" else "dense"
    return subject.cases("predict", *sizes, label=label, suite="scaling", axis=axis, members=TWO)


SCALING = [
    *(case for width in WIDTHS for case in _growing("neurons", (10, 20), width=width)),
    *_growing("steps", *((10, n_steps) for n_steps in STEPS)),
    *_growing("minibatch", *((minibatch, 10) for minibatch in MINIBATCHES)),
]

# Where the time goes

_profiled = {"suite": "profile", "members": ("ours", "keras")}
_with_stock = {"suite": "profile", "members": NO_LAYER}

# from small to large. Where a call of stock would take long, it stays out
PROFILE = [
    *ONE_DENSE.cases("predict", (1, 10), quick=True, **_with_stock),
    *DENSE.cases("predict", (10, 10), **_with_stock),
    *DENSE.cases("predict", (1000, 10), **_profiled),
    *CONV.cases("predict", (1, 10), **_with_stock),
    *CONV.cases("predict", (10, 10), quick=True, **_profiled),
    *CONV.cases("predict", (100, 10), **_profiled),
    *DEEP.cases("predict", (10, 10), **_profiled),
    replace(NEURONS[1], suite="profile", members=("ours",)),
]

# what `python -m benchmarks.ratios` measures
BY_NAME = {case.name: case for case in (*PREDICT, *FIT, *NEURONS, *NEURONS_FIT, *BESIDE_LIF)}
# what another process measures, which finds it by its key
BY_KEY = {case.key: case for case in (*START, *MEMORY, *SCALING)}


def of(cases: Iterable[Case]) -> dict[str, list[Any]]:
    """Return the arguments of `pytest.mark.parametrize` for a test of cases and their members."""
    pairs = [(case, member) for case in cases for member in case.members]
    return {
        "argnames": ["case", "member"],
        "argvalues": pairs,
        "ids": [f"{case.label or case.network}-{case.size}-{member}" for case, member in pairs],
    }
