"""The table of facts that are compared."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest
from mutated_networks import build

from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.introspection._comparison._fact import GROUPS, Row
from nengo_layers_plus.introspection._comparison._fact_values import parameters
from nengo_layers_plus.introspection._comparison._facts import EXTRA, ROWS, SHARING, STRUCTURE
from nengo_layers_plus.introspection._comparison._pairing import members_of

ALL = [row for rows in ROWS.values() for row in rows] + [EXTRA, SHARING, STRUCTURE]


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.name)
def test_a_row_agrees_with_the_others(row: Row) -> None:
    assert row.group in GROUPS
    assert row.meaning
    for cause in (*row.causes, *row.shape_causes):
        # a pattern fits a name, or a name fits the pattern of a row
        assert any(
            fnmatchcase(each.name, cause) or fnmatchcase(cause.replace("*", "x"), each.name)
            for each in ALL
            if each is not row
        ), cause


def test_what_is_undone_by_attributes_is_held_by_them() -> None:
    for member in members_of(NetworkGraph(build())):
        for fact in member.facts.values():
            undo: Any = fact.row.undo
            for name in (undo or (fact.name,)) if isinstance(undo, tuple) else ():
                assert hasattr(member.obj, name)


@pytest.mark.parametrize("kind", ["ensemble", "tensor node", "node", "probe", "connection"])
def test_all_rows_of_a_kind_are_of_some_fact(kind: str) -> None:
    members = members_of(NetworkGraph(build()))
    rows = {fact.row for each in members if each.kind == kind for fact in each.facts.values()}

    missing = {row.name for row in ROWS[kind] if row not in rows and row.get is not parameters}
    # what models, other neuron types and probes of what ensembles represent have
    models = {"layer.*.inputs", "layer.input_layers", "layer.output_layers", "keeps weights"}
    assert missing <= models | {"neuron type.trainable", "solver"}
