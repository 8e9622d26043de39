"""Lines and tables of reports, and what they make of hostile texts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import nengo
import numpy as np
import pytest
from rich.console import Console

from nengo_layers_plus import (
    Block,
    CustomLayer,
    Sequential,
    compare,
    from_keras,
    summary,
    to_source,
)
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import Line, Report, Table, plain, render, what_trains
from nengo_layers_plus.graph._structure import NetworkStructure
from nengo_layers_plus.parameters._save_and_load import LoadedParameters
from nengo_layers_plus.simulator._execution import Execution, ExecutionRow

HOSTILE = "\x1b[31mred\x1b]0;x\x07[bold]<script>alert(1)</script>\r\n\u202e\x9b\"'\\{0}${x}"
SHOWN = r"\x1b[31mred\x1b]0;x\x07[bold]<script>alert(1)</script>\r\n\u202e\x9b"


class _Sample(Report):
    def _parts(self) -> Iterator[Line | Table]:
        yield Line("a title that is " + "very " * 30 + "long", "bold")
        yield Table(("name", "text", "number"), [("x" * 30, "word " * 40, "1,000")], (2,))
        yield Line(HOSTILE, indent=3)


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_what_is_printed_fits_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert max(map(len, str(_Sample()).splitlines())) <= 100  # it goes to no terminal
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    lines = str(_Sample()).splitlines()
    assert columns - 20 < max(map(len, lines)) <= columns
    console = Console(width=columns, color_system=None)
    with console.capture() as capture:
        console.print(_Sample())
    assert [line.rstrip() for line in capture.get().splitlines()] == lines


def test_names_and_numbers_are_not_broken() -> None:
    text = str(_Sample())
    assert "x" * 30 + " " in text
    assert "1,000" in text
    assert "very long" in " ".join(text.split())


def test_long_names_are_broken_where_their_parts_begin() -> None:
    name = "memory/state/ensemble_0->memory/state/node_1"
    text = render([Table(("name", "text"), [(name, "word " * 20)])])
    assert [line.split("  ")[0] for line in text.splitlines()[2:4]] == [
        "memory/state/ensemble_0->",
        "memory/state/node_1",
    ]


def test_empty_columns_are_left_out_where_there_is_no_room() -> None:
    header, wide = ("name", "empty", "text"), ("x", "", "word " * 30)
    assert "empty" not in render([Table(header, [wide])])
    assert "empty" in render([Table(header, [("x", "", "word")])])
    assert "empty" in render([Table(header, [wide, ("y", "y", "")])])


def test_plain_text_is_plain_whatever_it_was() -> None:
    text = plain(HOSTILE)
    assert text.startswith(SHOWN)
    assert text.isprintable()
    assert plain(text) == text
    assert plain("Ω [red] 日本 é") == "Ω [red] 日本 é"
    assert plain(None) == "None"
    assert plain("\ud800") == r"\ud800"


def test_tables_without_a_header() -> None:
    assert render([Table((), [("a", "b c"), ("dd", "e")])]) == "  a   b c\n  dd  e"


@pytest.fixture(scope="module")
def hostile() -> nengo.Network:
    with nengo.Network(label=HOSTILE, seed=0) as net:
        node = nengo.Node(np.ones(3), label=HOSTILE)
        with nengo.Network(label=HOSTILE):
            cells = nengo.Ensemble(4, 1, label=HOSTILE)
        nengo.Connection(node[0], cells)
        dense = CustomLayer(tf.keras.layers.Dense(2, name="[red]x[/red]"), label=HOSTILE)(node)
        nengo.Probe(cells, label=HOSTILE)
        nengo.Probe(dense, label=HOSTILE)
    return net


def test_hostile_labels_are_shown_as_text_in_all_reports(hostile: nengo.Network) -> None:
    other = to_source(hostile).build()
    other.all_ensembles[0].radius = 2
    table = summary(hostile, n_steps=2)
    reports: list[Report] = [
        table,
        what_trains(hostile),
        compare(hostile, other, n_steps=2),
        Execution(HOSTILE, HOSTILE, [ExecutionRow((HOSTILE,), HOSTILE, HOSTILE, HOSTILE)]),
    ]
    for each in (*reports, to_source(hostile), NetworkStructure(hostile)):
        assert repr(each).isprintable()  # what a prompt shows
    for report in reports:
        text = str(report)
        assert all(line.isprintable() for line in text.splitlines())
        assert r"\x1b[31mred" in text
        assert "[bold]" in text
        html = report._repr_html_()
        assert "<script>" not in html
        assert "&lt;script&gt;" in html
        assert html.isprintable()
    assert all(line.isprintable() for line in table.details().splitlines())
    assert table[HOSTILE] is table[plain(HOSTILE)]


def test_what_a_prompt_shows_of_layers_and_models() -> None:
    inputs = tf.keras.Input((2,))
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(2, activation="relu")(inputs))
    model._name = HOSTILE
    with nengo.Network():
        layer = CustomLayer(nengo.LIF(), label=HOSTILE)
        layer(nengo.Node([0.0]))
    converted = from_keras(model)
    converted.net.label = converted.net.all_probes[0].label = HOSTILE
    for each in (
        layer,
        Block(label=HOSTILE),
        Sequential([layer], label=HOSTILE),
        converted,
        converted.outputs,
        LoadedParameters((HOSTILE,), missing=(HOSTILE,)),
    ):
        assert repr(each).isprintable()


def test_hostile_labels_run_nothing_in_code(hostile: nengo.Network) -> None:
    source = to_source(hostile)
    assert all(line.isprintable() for line in source.code.splitlines())
    assert not re.search("<script", source._repr_html_())
    built = source.build()
    assert built.label == built.networks[0].label == HOSTILE
    assert [each.label for each in built.all_nodes] == [HOSTILE] * 2
