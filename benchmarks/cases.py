"""All cases that are measured, suite by suite.

Not each size of each network: minibatches grow at 10 steps, steps grow at 10 samples, and the other
networks have one or two sizes. Where a round would take long, "layer" stays out: what it costs
shows at the smaller sizes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import nengo

from benchmarks import networks, neuron_types
from benchmarks.case import STANDARD_MEMBERS, Case, PlainLayers

EPOCH = 20
"""Minibatches of an epoch, the same wherever cases are compared with each other: a call of Keras'
`fit` takes some time of its own, which few minibatches do not hide."""

SHORT_EPOCH = 5
"""Where an epoch of "stock" would take long, and on no curve."""

NO_LAYER = ("stock", "ours", "keras")
TWO = ("stock", "ours")


@dataclass(frozen=True)
class Subject:
    """A network, and the layers that plain tf.keras applies in its place."""

    network: str
    build: Any
    plain: PlainLayers | None = None

    def case(self, use: str, minibatch: int, n_steps: int, **settings: Any) -> Case:
        """Return it in use; plain tf.keras joins the members if there is something to apply."""
        members = STANDARD_MEMBERS if self.plain is None else (*STANDARD_MEMBERS, "keras")
        return Case(
            self.network,
            self.build,
            use,
            minibatch,
            n_steps,
            **{"members": members, "plain": self.plain} | settings,
        )

    def still(self, minibatch: int, n_steps: int, **settings: Any) -> Case:
        """Return what simulates images that stand still."""
        label = f"{self.network}-still"
        case = self.case("predict", minibatch, n_steps, label=label, still=True, **settings)
        return replace(case, members=NO_LAYER)


_images = PlainLayers(networks.convolutional_layers, networks.IMAGE_SHAPE)

ONE_DENSE = Subject(
    "one-dense",
    networks.one_dense,
    PlainLayers(networks.one_dense_layers, networks.VECTOR_SHAPE),
)
DENSE = Subject("dense", networks.dense, PlainLayers(networks.dense_layers, networks.VECTOR_SHAPE))
CONV = Subject("conv", networks.convolutional, _images)
DEEP = Subject(
    "deep", networks.deep, PlainLayers(networks.deep_layers, networks.COLOUR_IMAGE_SHAPE)
)
LOWPASS = Subject("conv-lowpass", networks.with_synapses, _images)
RESIDUAL = Subject("residual", networks.residual)
RECURRENT_LAYER = Subject("recurrent-layer", networks.recurrent)
ENSEMBLE = Subject("recurrent", lambda *_: networks.recurrent_ensemble())
POPULATION = Subject("population", networks.population)


# -----------------------------------------------------------------------------
# A network as a whole

_in_pipeline = {"suite": "pipeline"}

PREDICT = [
    ONE_DENSE.case("predict", 1, 10, **_in_pipeline),
    ONE_DENSE.case("predict", 100, 10, **_in_pipeline),
    ONE_DENSE.case("predict", 1000, 10, **_in_pipeline),
    DENSE.case("predict", 1, 10, **_in_pipeline),
    DENSE.case("predict", 10, 10, quick=True, **_in_pipeline),
    DENSE.case("predict", 100, 10, **_in_pipeline),
    DENSE.case("predict", 1000, 10, **_in_pipeline),
    DENSE.case("predict", 10, 1, **_in_pipeline),
    DENSE.case("predict", 10, 100, **_in_pipeline),
    DENSE.case("predict", 100, 100, **_in_pipeline),
    CONV.case("predict", 1, 10, **_in_pipeline),
    CONV.case("predict", 10, 10, quick=True, **_in_pipeline),
    CONV.case("predict", 100, 10, members=NO_LAYER, **_in_pipeline),
    CONV.case("predict", 10, 1, **_in_pipeline),
    CONV.case("predict", 10, 50, **_in_pipeline),
    CONV.case("predict", 10, 100, members=NO_LAYER, **_in_pipeline),
    ONE_DENSE.still(1000, 10, **_in_pipeline),
    DENSE.still(10, 10, **_in_pipeline),
    DENSE.still(100, 100, target=9, **_in_pipeline),
    DENSE.still(1000, 20, target=7, **_in_pipeline),
    CONV.still(1, 50, target=6, **_in_pipeline),
    CONV.still(10, 50, target=9, **_in_pipeline),
    CONV.still(200, 30, target=12, **_in_pipeline),
    DEEP.case("predict", 1, 10, **_in_pipeline),
    DEEP.case("predict", 10, 10, **_in_pipeline),
    LOWPASS.case("predict", 10, 10, quick=True, **_in_pipeline),
    LOWPASS.case("predict", 100, 10, members=NO_LAYER, **_in_pipeline),
    RESIDUAL.case("predict", 10, 10, quick=True, **_in_pipeline),
    RESIDUAL.case("predict", 100, 10, **_in_pipeline),
    RECURRENT_LAYER.case("predict", 1, 100, **_in_pipeline),
    RECURRENT_LAYER.case("predict", 10, 100, quick=True, **_in_pipeline),
    RECURRENT_LAYER.case("predict", 100, 10, **_in_pipeline),
    ENSEMBLE.case("predict", 1, 1000, target=0.95, members=TWO, **_in_pipeline),
]

FIT = [
    ONE_DENSE.case("fit", 100, 1, batches=EPOCH, **_in_pipeline),
    DENSE.case("fit", 1, 1, batches=EPOCH, **_in_pipeline),
    DENSE.case("fit", 10, 1, batches=EPOCH, **_in_pipeline),
    DENSE.case("fit", 100, 1, batches=EPOCH, quick=True, **_in_pipeline),
    DENSE.case("fit", 1000, 1, batches=EPOCH, target=5, **_in_pipeline),
    DENSE.case("fit", 10, 1, label="dense-one-minibatch", batches=1, **_in_pipeline),
    DENSE.case("fit", 10, 10, batches=EPOCH, **_in_pipeline),
    DENSE.case("fit", 100, 10, batches=EPOCH, members=NO_LAYER, **_in_pipeline),
    DENSE.case("fit", 10, 100, batches=EPOCH, members=NO_LAYER, **_in_pipeline),
    CONV.case("fit", 1, 1, batches=EPOCH, **_in_pipeline),
    CONV.case("fit", 10, 1, batches=EPOCH, quick=True, **_in_pipeline),
    CONV.case("fit", 100, 1, batches=EPOCH, members=NO_LAYER, **_in_pipeline),
    CONV.case("fit", 200, 1, batches=EPOCH, target=5, members=NO_LAYER, **_in_pipeline),
    CONV.case("fit", 10, 10, batches=EPOCH, members=NO_LAYER, **_in_pipeline),
    DEEP.case("fit", 10, 1, batches=EPOCH, members=NO_LAYER, **_in_pipeline),
    LOWPASS.case("fit", 20, 10, batches=SHORT_EPOCH, target=4, members=NO_LAYER, **_in_pipeline),
    RESIDUAL.case("fit", 10, 10, batches=EPOCH, members=TWO, **_in_pipeline),
    RECURRENT_LAYER.case("fit", 10, 10, batches=EPOCH, **_in_pipeline),
]

# -----------------------------------------------------------------------------
# Types of neurons: in Python, as nengo_dl runs those that it has no code for, and in TensorFlow

_SIZES = (32, 256)


def _population(label: str, neurons: Any, minibatch: int, **settings: Any) -> Case:
    return POPULATION.case(
        "predict", minibatch, 50, label=label, neurons=neurons, suite="neurons", **settings
    )


NEURONS = [
    *(_population("lif", nengo.LIF(), minibatch) for minibatch in _SIZES),
    *(
        _population(
            label,
            neurons,
            minibatch,
            target=target,
            in_python=True,
            quick=label == "adaptive-lif" and minibatch == _SIZES[0],
        )
        for label, neurons, target in (
            ("adaptive-lif", nengo.AdaptiveLIF(), 5),
            ("izhikevich", nengo.Izhikevich(), 5),
            ("own-lif", neuron_types.OwnLIF(), 5),
            ("own-refractory-lif", neuron_types.OwnRefractoryLIF(), None),
        )
        for minibatch in _SIZES
    ),
    Case(
        "conv",
        networks.convolutional,
        minibatch=10,
        n_steps=20,
        neurons=neuron_types.ADAPTIVE,
        label="conv-adaptive",
        suite="neurons",
        target=1,
    ),
    Case(
        "conv",
        networks.convolutional,
        minibatch=10,
        n_steps=50,
        neurons=neuron_types.SoftReset(),
        label="conv-builder",
        suite="neurons",
        target=1,
    ),
]

SPIKES = Case(
    "dense",
    networks.dense,
    "fit",
    minibatch=100,
    n_steps=50,
    batches=4,
    neurons=neuron_types.THROUGH_SPIKES,
    label="spikes",
    suite="neurons",
    target=1,
    members=TWO,
)
"""Training through spikes and through time."""

NEURONS_FIT = [SPIKES]

BESIDE_LIF = [
    _population(
        f"{label}-beside-lif",
        neurons,
        minibatch,
        target=target,
        beside=lambda layer, _: networks.population(layer, nengo.LIF()),
        stock_layer=Case.layer,
        same=same,
        members=TWO,
    )
    for label, neurons, same, target in (
        ("own-lif", neuron_types.OwnLIF(), False, 0.85),
        # of nengo.LIF it is known that one number holds its two states
        ("own-refractory-lif", neuron_types.OwnRefractoryLIF(), True, 0.4),
    )
    for minibatch in _SIZES
]
"""Both for our Simulator, hence for `python -m benchmarks.ratios` alone."""

# -----------------------------------------------------------------------------
# In processes of their own

START = [
    CONV.case("predict", 10, 50, suite="start", members=TWO, quick=True),
    DENSE.case("predict", 10, 50, suite="start", members=STANDARD_MEMBERS),
]

LARGEST_MEMORY = 2 * 1024**3  # bytes

MEMORY = [
    CONV.case("predict", 10, 50, suite="memory", members=TWO),
    DENSE.case("predict", 100, 100, suite="memory", members=TWO, quick=True),
    CONV.case("fit", 100, 1, batches=SHORT_EPOCH, suite="memory", members=TWO),
    replace(SPIKES, suite="memory", target=None),
    CONV.case(
        "predict",
        10,
        10_000,
        suite="memory",
        members=("ours",),
        memory_target=LARGEST_MEMORY,
        fed=False,
    ),
]

# -----------------------------------------------------------------------------
# What grows

WIDTHS = (64, 256, 1024, 4096)
STEPS = (16, 64, 256, 1024, 4096)
MINIBATCHES = (4, 16, 64, 256, 1024, 4096)
"""At small sizes tracing and compilation take most of the memory, and launches most of the time."""


def _growing(axis: str, width: int, minibatch: int, n_steps: int) -> Case:
    layers = partial(networks.dense_layers, width)
    build = partial(networks.feedforward, layers, networks.VECTOR_SHAPE)
    label = f"dense-{width}" if axis == "neurons" else "dense"
    subject = Subject("dense", build)
    return subject.case(
        "predict", minibatch, n_steps, label=label, suite="scaling", axis=axis, members=TWO
    )


SCALING = [
    *(_growing("neurons", width, 10, 20) for width in WIDTHS),
    *(_growing("steps", 256, 10, n_steps) for n_steps in STEPS),
    *(_growing("minibatch", 256, minibatch, 10) for minibatch in MINIBATCHES),
]

# -----------------------------------------------------------------------------
# Where the time goes

_profiled = {"suite": "profile", "members": ("ours", "keras")}
_with_stock = {"suite": "profile", "members": NO_LAYER}

PROFILE = [
    ONE_DENSE.case("predict", 1, 10, quick=True, **_with_stock),
    DENSE.case("predict", 10, 10, **_with_stock),
    DENSE.case("predict", 1000, 10, **_profiled),
    CONV.case("predict", 1, 10, **_with_stock),
    CONV.case("predict", 10, 10, quick=True, **_profiled),
    CONV.case("predict", 100, 10, **_profiled),
    DEEP.case("predict", 10, 10, **_profiled),
    replace(_population("lif", nengo.LIF(), 256), suite="profile", members=("ours",)),
]
"""From small to large. Where a call of stock would take long, it stays out."""

BY_NAME = {case.name: case for case in (*PREDICT, *FIT, *NEURONS, *NEURONS_FIT, *BESIDE_LIF)}
"""What `python -m benchmarks.ratios` measures."""

_ALONE = {f"{case.suite}/{case.name}": case for case in (*START, *MEMORY, *SCALING)}


def key_of(case: Case) -> str:
    """Return what `find` knows a case by that has processes of its own."""
    return f"{case.suite}/{case.name}"


def is_known(case: Case) -> bool:
    """Say whether another process can `find` this case."""
    return _ALONE.get(key_of(case)) is case


def find(key: str) -> Case:
    """
    Return a case, in another process.

    Parameters
    ----------
    key : str
        From `key_of`.
    """
    return _ALONE[key]


def of(cases: Iterable[Case]) -> dict[str, list[Any]]:
    """
    Return what parametrizes a test with cases, and with the members of each.

    Parameters
    ----------
    cases : iterable of Case
        The cases.

    Returns
    -------
    arguments : dict
        Of `pytest.mark.parametrize`. Test IDs are made of label, size and member.
    """
    pairs = [(case, member) for case in cases for member in case.members]
    return {
        "argnames": ["case", "member"],
        "argvalues": pairs,
        "ids": [f"{case.label or case.network}-{case.size}-{member}" for case, member in pairs],
    }
