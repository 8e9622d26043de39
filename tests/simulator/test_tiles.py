"""How much is run at once."""

from __future__ import annotations

from dataclasses import replace

import nengo
import numpy as np
import pytest
from planned import planned

from nengo_layers_plus import CustomLayer
from nengo_layers_plus.simulator._tiles import _part_size, bytes_per_step, choose_sizes

GIB = 1 << 30


@pytest.fixture(scope="module")
def large():
    with nengo.Network(seed=0) as net:
        source = nengo.Node(np.zeros(50_000))
        nengo.Probe(CustomLayer(nengo.LIF(), ensemble_kwargs={"gain": 1, "bias": 1})(source))
    return planned(net)


@pytest.mark.parametrize(
    ("batch", "wanted", "size"),
    [
        (200, 3, 2),
        (200, 200, 200),
        (200, 30, 25),
        (7, 7, 7),
        (7, 3, 1),
        (1009, 100, 1009),  # a prime number: parts of one would be too many
        (1, 1, 1),
    ],
)
def test_equal_parts(batch, wanted, size):
    assert _part_size(batch, wanted) == size


def choose(planned, batch=100, limit=GIB, cores=2):
    plan, context = planned
    return choose_sizes(plan, replace(context, batch=batch), 30, limit, cores)


def test_large_minibatches_are_divided(large):
    plan, context = large
    assert bytes_per_step(plan, 1, context.dtype) > 4 * 4 * 50_000
    sizes = choose(large)
    assert sizes.parts in (25, 50)
    # what two parts take, side by side
    at_once = 2 * 100 // sizes.parts
    assert sizes.longest == GIB // bytes_per_step(plan, at_once, context.dtype)


def test_small_minibatches_are_not_divided(large):
    plan, context = large
    of_one = bytes_per_step(plan, 1, context.dtype)
    assert choose_sizes(plan, replace(context, batch=6), 1, GIB, 2).parts == 1
    assert 6 * of_one < 32 << 20 < 6 * 10 * of_one
    assert choose_sizes(plan, replace(context, batch=6), 10, GIB, 2).parts == 2
    assert choose_sizes(plan, replace(context, batch=6), None, GIB, 2).parts == 2


def test_one_core_or_one_item(large):
    assert choose(large, cores=1).parts == 1
    assert choose(large, batch=1).parts == 1


def test_little_memory_is_a_step_at_least(large):
    assert choose(large, limit=1).longest == 1


def test_a_layer_that_mixes_the_batch_is_not_divided():
    with nengo.Network(seed=0) as net:
        source = nengo.Node(np.zeros(50_000))
        nengo.Probe(CustomLayer(lambda x: x - x[:1])(source, shape_in=(50_000,)))
    assert choose(planned(net)).parts == 1
