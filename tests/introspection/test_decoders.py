"""Models whose decoders are not solved for, or not solved for twice."""

import nengo
import numpy as np
import pytest

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph._structure import build_model
from nengo_layers_plus.introspection._decoders import SharedDecoders, WithoutDecoders


class HalfSolver(nengo.solvers.LstsqL2):
    """A solver of a user's own."""

    def __call__(self, activities, targets, rng=np.random):
        decoders, info = super().__call__(activities, targets, rng=rng)
        return decoders / 2, info


def make(power=2, radius=1.0, seed=0, seed_of_noise=1):
    def raised(x):
        return x**power

    with nengo.Network(seed=seed) as net:
        first = nengo.Ensemble(20, 2, radius=radius)
        second = nengo.Ensemble(30, 1)
        noisy = nengo.solvers.LstsqNoise()
        for solver in (noisy, HalfSolver(), nengo.solvers.LstsqL2(weights=True)):
            nengo.Connection(first[1], second, function=raised, solver=solver, seed=seed_of_noise)
        nengo.Connection(
            first[[1, 0]],
            second,
            solver=noisy,
            transform=nengo.Dense((1, 2), init=nengo.dists.Uniform(-1, 1)),
        )
        nengo.Connection(
            second,
            first[0],
            solver=nengo.solvers.NoSolver(np.ones((30, 1))),
            eval_points=nengo.dists.Uniform(-1, 0),
        )
    return net


def weights_of(network, builder=None):
    model = build_model(network, None, builder)
    return [model.params[each].weights for each in network.all_connections]


@pytest.mark.parametrize(
    "change", [{}, {"power": 3}, {"radius": 2.0}, {"seed": 1}, {"seed_of_noise": 2}]
)
def test_shared_decoders_are_those_that_the_network_has(change):
    builder = SharedDecoders()
    weights_of(make(), builder)
    changed = make(**change)
    for shared, own in zip(weights_of(changed, builder), weights_of(changed), strict=True):
        np.testing.assert_array_equal(shared, own)


def test_decoders_of_equal_inputs_are_solved_for_once(monkeypatch):
    solved = []
    build = nengo_dl.builder.NengoBuilder.build.__func__

    def count(cls, model, obj, *args, **kwargs):
        solved.extend(args[:1] if isinstance(obj, nengo.solvers.Solver) else ())
        return build(cls, model, obj, *args, **kwargs)

    monkeypatch.setattr(nengo_dl.builder.NengoBuilder, "build", classmethod(count))
    builder = SharedDecoders()
    build_model(make(), None, builder)
    assert len(solved) == 5
    build_model(make(), None, builder)
    # what a user's solver and one for weights give is not known
    assert [type(each.solver).__name__ for each in solved[5:]] == ["HalfSolver", "LstsqL2"]


def test_functions_of_two_modules_are_not_taken_for_one():
    modules = [{"table": {"x": 1.0}}, {"table": {"x": 2.0}}]
    for module in modules:
        exec("def scaled(x): return x * table['x']", module)

    def network(module):
        with nengo.Network(seed=0) as net:
            nengo.Connection(
                nengo.Ensemble(20, 1), nengo.Node(size_in=1), function=module["scaled"]
            )
        return net

    builder = SharedDecoders()
    (first,), (second,) = (weights_of(network(module), builder) for module in modules)
    np.testing.assert_allclose(second, 2 * first)


def test_without_decoders_all_but_numbers_is_as_it_was():
    net = make()
    models = [build_model(net), build_model(net, None, WithoutDecoders())]
    described = [
        [(type(each), [signal.shape for signal in each.all_signals]) for each in model.operators]
        for model in models
    ]
    assert described[0] == described[1]
    decoded = models[1].params[net.connections[3]]
    assert decoded.weights.shape == (1, 20)
    assert not decoded.weights.any()
