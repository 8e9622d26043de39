"""What nengo_dl would build of a network."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import nengo
from nengo.builder import Model
from nengo.rc import rc

from nengo_layers_plus._upstream import nengo_dl, random_state_kept, tf


def build_model(network: nengo.Network, seed: int | None = None) -> Model:
    """
    Build a network as nengo_dl does.

    Parameters
    ----------
    network : nengo.Network
        The network. Neither its seeds nor NumPy's random state are touched.
    seed : int, optional
        Taken for the seed of a network that has none.
    """
    with _as_in_a_simulator(network):
        return _build(network, seed)


def planned(network: nengo.Network, seed: int | None = None) -> tuple[Model, Any]:
    """
    Build a network and have nengo_dl plan it, as its Simulator would before TensorFlow.

    Parameters
    ----------
    network : nengo.Network
        The network. Neither its seeds nor NumPy's random state are touched.
    seed : int, optional
        Taken for the seed of a network that has none.

    Returns
    -------
    model : nengo.builder.Model
        What was built.
    tensor_graph : nengo_dl.tensor_graph.TensorGraph
        What nengo_dl would make of it.
    """
    with _as_in_a_simulator(network):
        model = _build(network, seed)
        return model, nengo_dl.tensor_graph.TensorGraph(
            model,
            dt=model.dt,
            unroll_simulation=1,
            minibatch_size=1,
            device=None,
            progress=nengo_dl.utils.NullProgressBar(),
            seed=0,
        )


@contextlib.contextmanager
def _as_in_a_simulator(network: nengo.Network) -> Iterator[None]:
    bits = rc.get("precision", "bits")
    settings = network.config.params.get(nengo.Network)
    dtype = getattr(settings, "dtype", None) or "float32"
    # nengo draws the seed of a network without one from NumPy, Keras those of initial weights
    with random_state_kept(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the Simulator will say it all again
        rc.set("precision", "bits", tf.as_dtype(dtype).name[-2:])
        try:
            yield
        finally:
            rc.set("precision", "bits", bits)


def _build(network: nengo.Network, seed: int | None) -> Model:
    model = nengo_dl.builder.NengoModel(
        dt=0.001, builder=nengo_dl.builder.NengoBuilder(), fail_fast=False
    )
    if seed is not None and network.seed is None:
        model.seeds[network] = seed
        model.seeded[network] = False
    model.build(network)
    return model
