"""Random networks, as data that can be built with any layer class."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import nengo
import numpy as np
from hypothesis import strategies as st

from nengo_layers_plus import CustomLayer, Trainable, nengo_dl
from nengo_layers_plus._upstream import tf

NEURONS = {
    "RectifiedLinear": nengo.RectifiedLinear(),
    "LIFRate": nengo.LIFRate(),
    "LIF": nengo.LIF(),
    "SpikingRectifiedLinear": nengo.SpikingRectifiedLinear(amplitude=0.1),
    "SoftLIFRate": nengo_dl.SoftLIFRate(sigma=0.05),
    "Sigmoid": nengo.Sigmoid(),
    "PoissonSpiking": nengo.PoissonSpiking(nengo.LIFRate()),
}
SYNAPSES = {
    "none": None,
    "number": 0.005,
    "lowpass": nengo.Lowpass(0.01),
    "alpha": nengo.Alpha(0.02),
}
FUNCTIONS = {"relu": tf.nn.relu, "square": lambda x: x**2}


@dataclass
class LayerPlan:
    """One layer of a random network."""

    kind: str
    name: str = ""
    units: int = 1
    shape_in: tuple[int, ...] | None = None
    transform: str = "none"
    synapse: str = "none"
    ensemble: dict[str, Any] = field(default_factory=dict)
    trainable: dict[str, bool] = field(default_factory=dict)
    subnetwork: bool = False
    probed: bool = False

    def layer_func(self) -> Any:
        if self.kind == "dense":
            return tf.keras.layers.Dense(self.units)
        if self.kind == "conv":
            return tf.keras.layers.Conv2D(self.units, 2)
        if self.kind == "model":
            return tf.keras.Sequential([tf.keras.layers.Dense(self.units, activation="tanh")])
        return FUNCTIONS[self.name] if self.kind == "function" else NEURONS[self.name]

    def transform_for(self, size: int) -> Any:
        rng = np.random.RandomState(size)
        return {
            "none": None,
            "scalar": 1.5,
            "diagonal": rng.uniform(0.5, 1.5, size),
            "matrix": rng.uniform(-1, 1, (size, size)),
            "glorot": nengo_dl.dists.Glorot(),
        }[self.transform]


@dataclass
class NetworkPlan:
    """A random network."""

    size_in: int
    layers: list[LayerPlan]
    seed: int

    def build(self, how: str) -> nengo.Network:
        """
        Build the network.

        Parameters
        ----------
        how : {"stock", "call", "hooks"}
            With nengo_dl.Layer, or with CustomLayer whose settings are given with its call or to
            its hooks; what trains is only set by "hooks".
        """
        tf.keras.utils.set_random_seed(self.seed)
        rng = np.random.RandomState(self.seed)
        with nengo.Network(seed=self.seed) as network:
            nengo_dl.configure_settings(trainable=None)  # stock fails in subnetworks without it
            x = nengo.Node(rng.uniform(-1, 1, self.size_in))
            for plan in self.layers:
                if plan.subnetwork:
                    with nengo.Network(seed=self.seed):
                        x = self._layer(plan, x, how, rng)
                else:
                    x = self._layer(plan, x, how, rng)
                if plan.probed:
                    nengo.Probe(x)
            nengo.Probe(x)
        return network

    def _layer(self, plan: LayerPlan, x: Any, how: str, rng: np.random.RandomState) -> Any:
        size = int(x.size_out)
        ensemble = {
            name: rng.uniform(0.5, 2, size) if name in ("gain", "bias") else value
            for name, value in plan.ensemble.items()
        }
        placed = {"transform": plan.transform_for(size), "shape_in": plan.shape_in}
        synapse = SYNAPSES[plan.synapse]
        if how == "hooks":
            trainable = Trainable(**plan.trainable) if plan.trainable else None
            return CustomLayer(
                plan.layer_func(),
                ensemble_kwargs=ensemble or None,
                synapse=synapse,
                trainable=trainable,
            )(x, **placed)
        layer = nengo_dl.Layer if how == "stock" else CustomLayer
        return layer(plan.layer_func())(x, synapse=synapse, **placed, **ensemble)


@st.composite
def network_plans(draw: st.DrawFn, trains: bool = False) -> NetworkPlan:
    """Draw a network: depth, kinds of layers, shapes, synapses, transforms and what trains."""
    side = draw(st.integers(2, 4))
    shape: tuple[int, ...] = draw(st.sampled_from([(side, side, 1), (side * side,)]))
    size_in = int(np.prod(shape))
    layers = []
    for _ in range(draw(st.integers(1, 4))):
        # every convolution takes a row and a column away
        convolves = len(shape) == 3 and min(shape[:2]) > 1
        kinds = ["dense", "function", "neurons", "neurons"]
        if trains:
            kinds.append("model")  # behind another node, nengo_dl.Layer can't build one
        kind = draw(st.sampled_from([*kinds, "conv"] if convolves else kinds))
        plan = LayerPlan(
            kind,
            synapse=draw(st.sampled_from(sorted(SYNAPSES))),
            transform=draw(
                st.sampled_from(["none", "none", "scalar", "diagonal", "matrix", "glorot"])
            ),
            units=draw(st.integers(1, 3)),
            subnetwork=draw(st.booleans()),
            probed=draw(st.booleans()),
        )
        if trains and plan.transform != "none":
            plan.trainable["connection"] = draw(st.booleans())
        if kind == "conv":
            plan.shape_in = shape
            shape = (shape[0] - 1, shape[1] - 1, plan.units)
        elif kind in ("dense", "model"):
            shape = (plan.units,)
        elif kind == "function":
            plan.name = draw(st.sampled_from(sorted(FUNCTIONS)))
        else:
            plan.name = draw(st.sampled_from(sorted(NEURONS)))
            curves = [
                {"gain": ..., "bias": ...},
                {},
                {"max_rates": nengo.dists.Uniform(50, 100)},
                {"intercepts": nengo.dists.Choice([0.1]), "seed": 3},
            ]
            # nengo finds no gain and bias for most of a Sigmoid's rates and intercepts
            plan.ensemble = draw(st.sampled_from(curves[:1] if plan.name == "Sigmoid" else curves))
            if trains:
                plan.trainable["bias"] = draw(st.booleans())
        if trains and kind in ("conv", "dense", "model"):
            plan.trainable["weights"] = draw(st.booleans())
        layers.append(plan)
    return NetworkPlan(size_in, layers, draw(st.integers(0, 1000)))
