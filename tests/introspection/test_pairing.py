"""Which object of one network has the place of which in another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nengo
import numpy as np
import pytest

from nengo_layers_plus import CustomLayer
from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.introspection._comparison import _pairing
from nengo_layers_plus.introspection._comparison._pairing import Pairing, members_of, pair_members


def chain(time_constants: Sequence[float], probed: bool = True) -> nengo.Network:
    with nengo.Network(seed=0) as net:
        x: Any = nengo.Node(np.ones(3), label="x")
        for tau_rc in time_constants:
            x = CustomLayer(nengo.LIF(tau_rc=tau_rc))(x)
        if probed:
            nengo.Probe(x)
    return net


def pair(a: nengo.Network, b: nengo.Network) -> Pairing:
    return pair_members(members_of(NetworkGraph(a, 0)), members_of(NetworkGraph(b, 0)))


def time_constants(members: Sequence[Any]) -> list[float]:
    return [each.obj.neuron_type.tau_rc for each in members if each.kind == "ensemble"]


def is_consistent(pairing: Pairing) -> bool:
    """Say whether connections that were paired join objects that were, but for one that was not."""
    partner = {id(a): b for a, b in pairing.pairs}
    alone = {id(each) for each in (*pairing.only_in_a, *pairing.only_in_b)}
    for a, b in pairing.pairs:
        for (role, source), (other_role, target) in zip(a.links, b.links, strict=False):
            if id(source) in alone or id(target) in alone:
                continue
            if role == other_role and partner[id(source)] is not target and len(a.links) == 2:
                return False
    return True


@pytest.mark.parametrize("left_out", range(8))
def test_the_layer_that_is_missing_is_the_one_without_a_partner(left_out: int) -> None:
    all_of_them = [0.01 * (1 + number) for number in range(8)]
    fewer = all_of_them[:left_out] + all_of_them[left_out + 1 :]

    pairing = pair(chain(all_of_them), chain(fewer))

    assert time_constants(pairing.only_in_a) == [all_of_them[left_out]]
    assert len(pairing.only_in_a) == 2  # with one of the connections beside it
    assert not pairing.only_in_b
    assert all(
        a.obj.neuron_type == b.obj.neuron_type for a, b in pairing.pairs if a.kind == "ensemble"
    )


@pytest.mark.parametrize("length", [1, 4, 12])
def test_a_longer_chain_of_the_same_layers(length: int) -> None:
    pairing = pair(chain([0.02] * length), chain([0.02] * (length + 1)))

    assert len(time_constants(pairing.only_in_b)) == 1
    assert not pairing.only_in_a
    assert is_consistent(pairing)


def test_the_order_along_a_chain_is_kept() -> None:
    a, b = chain([0.02] * 6), chain([0.03] * 6)

    order = [
        (pairs[0].name, pairs[1].name) for pairs in pair(a, b).pairs if pairs[0].kind == "ensemble"
    ]

    assert order == [(f"ensemble_{number}", f"ensemble_{number}") for number in range(6)]


def branches(
    order: Sequence[str], changed: str | None = None, depth: int = 4, extra: str | None = None
) -> nengo.Network:
    """Build branches that differ at their ends alone; in one of them the first layer may differ."""
    ends = {"a": 0.03, "b": 0.05, "c": 0.07}
    with nengo.Network(seed=0) as net:
        x = nengo.Node(np.ones(3), label="x")
        for name in order:
            y: Any = x
            for level in range(depth):
                tau_rc = ends[name] if level == depth - 1 else 0.02
                if level == 0 and name == changed:
                    tau_rc = 0.09
                y = CustomLayer(nengo.LIF(tau_rc=tau_rc), label=f"{name}{level}")(y)
            nengo.Probe(y, label=name)
            if name == extra:
                nengo.Probe(y, synapse=0.1, label="extra")
    return net


@pytest.mark.parametrize("order", ["abc", "bca", "cba"])
@pytest.mark.parametrize("changed", [None, "a", "c"])
def test_branches_are_told_apart_by_what_is_at_their_ends(order: str, changed: str | None) -> None:
    made = branches(order, changed)
    for obj in (*made.all_ensembles, *made.all_connections):
        obj.label = None  # they are there for what is asserted

    a = branches("abc")
    names = {id(each): each.label for each in a.all_ensembles}
    pairing = pair(a, made)

    assert not pairing.only_in_a
    assert not pairing.only_in_b
    expected = {name: index for index, name in enumerate(order)}
    position = {id(each): index for index, each in enumerate(made.all_ensembles)}
    for x, y in pairing.pairs:
        if x.kind == "ensemble":
            name, level = names[id(x.obj)]
            assert position[id(y.obj)] == 4 * expected[name] + int(level)


def test_an_extra_probe_is_the_one_that_differs() -> None:
    pairing = pair(branches("ab"), branches("ba", extra="a"))

    assert [each.name for each in pairing.only_in_b] == ["extra"]
    assert not pairing.only_in_a


def test_nothing_and_something() -> None:
    with nengo.Network() as empty:
        pass

    pairing = pair(empty, chain([0.02]))

    assert not pairing.pairs
    assert len(pairing.only_in_b) == 4


def test_several_connections_between_the_same_objects() -> None:
    def network(synapses: Sequence[float]) -> nengo.Network:
        with nengo.Network(seed=0) as net:
            x, y = nengo.Node([1.0], label="x"), nengo.Node(size_in=1, label="y")
            for synapse in synapses:
                nengo.Connection(x, y, synapse=synapse)
        return net

    pairing = pair(network([0.1, 0.2, 0.3]), network([0.3, 0.1, 0.2, 0.4]))

    paired = [(a.obj.synapse, b.obj.synapse) for a, b in pairing.pairs if a.kind == "connection"]
    assert all(a == b for a, b in paired)
    assert [each.obj.synapse.tau for each in pairing.only_in_b] == [0.4]


@pytest.mark.parametrize("n_branches", [2, 3])
def test_branches_that_nothing_tells_apart_stay_together(n_branches: int) -> None:
    def network(level_by_level: bool) -> nengo.Network:
        with nengo.Network(seed=0) as net:
            x = nengo.Node(np.ones(2), label="x")
            ends: list[Any] = [x] * n_branches
            steps = [(level, branch) for branch in range(n_branches) for level in range(16)]
            # in the other order the branches cross from level to level
            for level, branch in sorted(steps) if level_by_level else steps:
                place = (branch + level_by_level * level) % n_branches
                ends[place] = CustomLayer(
                    nengo.RectifiedLinear(), ensemble_kwargs={"gain": 1, "bias": 0}
                )(ends[place])
            for end in reversed(ends):
                nengo.Probe(end)
        return net

    a, b = network(level_by_level=False), network(level_by_level=True)
    pairing = pair(a, b)

    assert not pairing.only_in_a
    assert not pairing.only_in_b
    partner = {id(x.obj): y.obj for x, y in pairing.pairs}
    for connection in a.connections:
        other = partner[id(connection)]
        assert partner[id(_holder(connection.pre_obj))] is _holder(other.pre_obj)
        assert partner[id(_holder(connection.post_obj))] is _holder(other.post_obj)


def _holder(obj: Any) -> Any:
    return getattr(obj, "ensemble", obj)


def test_parallel_connections_that_differ_in_their_weights() -> None:
    def network(factors: Sequence[float]) -> nengo.Network:
        with nengo.Network(seed=0) as net:
            x, y = nengo.Node([1.0, 2.0], label="x"), nengo.Node(size_in=2, label="y")
            for factor in factors:
                nengo.Connection(x, y, transform=np.eye(2) * factor, synapse=0.1)
        return net

    pairing = pair(network([2, 3, 4]), network([4, 2, 3]))

    for a, b in pairing.pairs:
        if a.kind == "connection":
            np.testing.assert_array_equal(a.obj.transform.init, b.obj.transform.init)


@pytest.mark.parametrize("change", ["nothing", "one", "all", "fewer"])
def test_arrays_are_paired_without_comparing_all_with_all(
    change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []

    class Counted(_pairing._Similarity):
        def __init__(self, a: Any, b: Any, pairs: Any) -> None:
            sizes.append(len(a) * len(b))
            super().__init__(a, b, pairs)

    def array(n_ensembles: int) -> nengo.Network:
        with nengo.Network(seed=0) as net:
            many = nengo.networks.EnsembleArray(5, n_ensembles, label="many")
            nengo.Connection(nengo.Node(np.ones(n_ensembles)), many.input)
            nengo.Probe(many.output)
        return net

    monkeypatch.setattr(_pairing, "_Similarity", Counted)
    a, b = array(30), array(29 if change == "fewer" else 30)
    for ensemble in b.all_ensembles[: {"one": 1, "all": 30}.get(change, 0)]:
        ensemble.neuron_type = nengo.LIF(tau_rc=0.05)
    found = pair(a, b)

    labels = [(x.obj.label, y.obj.label) for x, y in found.pairs if x.kind == "ensemble"]
    assert labels == [(each, each) for each, _ in labels]
    assert len(labels) == len(b.all_ensembles)
    assert not found.only_in_b
    assert len(found.only_in_a) == (3 if change == "fewer" else 0)
    assert sum(sizes) < 100


def test_parts_that_nothing_tells_apart_are_paired_by_their_numbers_then_by_their_names() -> None:
    def build(seeds: Sequence[int], labels: str) -> nengo.Network:
        with nengo.Network(seed=0) as net:
            source = nengo.Node([1.0])
            for seed, label in zip(seeds, labels, strict=True):
                nengo.Connection(source, nengo.Ensemble(5, 1, seed=seed, label=label))
        return net

    def paired(a: nengo.Network, b: nengo.Network) -> dict[str, str]:
        return {x.name: y.name for x, y in pair(a, b).pairs if x.kind == "ensemble"}

    assert paired(build([1, 2, 3, 4], "abcd"), build([4, 3, 2, 1], "abcd")) == dict(
        zip("abcd", "dcba", strict=True)
    )
    assert paired(build([1, 1, 1, 1], "abcd"), build([1, 1, 1, 1], "dbca")) == dict(
        zip("abcd", "abcd", strict=True)
    )
