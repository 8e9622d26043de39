"""Layers that are alike and lie side by side, as one line of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.introspection._summary._summary_row import SummaryRow

FEWEST = 3
"""The fewest layers that are folded."""


def fold(graph: NetworkGraph, rows: Sequence[SummaryRow]) -> list[list[SummaryRow]]:
    """
    Group rows that are alike and stand side by side, as in a `nengo.networks.EnsembleArray`.

    Layers are alike if they have the same inputs and outputs, are in the same network, and show
    the same.
    """
    targets: dict[Any, list[str]] = {}
    for edge in graph.edges:
        if edge.connection is not None:
            targets.setdefault(edge.source, []).append(edge.target.name)
    groups: list[list[SummaryRow]] = []
    keys: list[Any] = []
    for row in rows:
        key = (
            row.kind,
            row.item.path,
            row.cells()[1:],
            row.made_by,
            tuple(each.source for each in row.inputs),
            tuple(targets.get(row.item, ())),
            row.state_bytes,
            len(row.probes),
        )
        if keys and keys[-1] == key:
            groups[-1].append(row)
        else:
            groups.append([row])
            keys.append(key)
    return [part for group in groups for part in _split(group)]


def _split(group: list[SummaryRow]) -> list[list[SummaryRow]]:
    # what is connected to nothing is not side by side with anything
    if len(group) >= FEWEST and group[0].inputs:
        return [group]
    return [[row] for row in group]


def name_of(group: Sequence[SummaryRow]) -> str:
    """Name rows that are folded, or a single one."""
    if len(group) == 1:
        return group[0].name
    return f"{group[0].name} .. {group[-1].name}"
