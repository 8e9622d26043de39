"""How far a long simulation is."""

from __future__ import annotations

import io

import nengo
import numpy as np
import pytest
from rich.console import Console

from nengo_layers_plus import CustomLayer, Simulator
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.simulator import _simulator
from nengo_layers_plus.simulator._simulator import Progress


@pytest.fixture
def screen(monkeypatch):
    """Have bars drawn into a file that pretends to be a terminal."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80)
    original = _simulator.Bar
    monkeypatch.setattr(_simulator, "Bar", lambda *columns: original(*columns, console=console))
    return file


def test_a_bar(screen):
    progress = Progress()
    seen = []
    with progress.shown(30, visible=True):
        (task,) = progress._bar.tasks
        assert (task.total, task.completed) == (30, 0)

        @tf.function
        def run():
            progress.in_graph(tf.constant(10))
            return tf.constant(0)

        run()
        seen.append(task.completed)
        progress.in_graph(25)
        seen.append(task.completed)
    assert seen == [10, 25]
    assert task.finished
    assert "Simulating" in screen.getvalue()
    assert "30/30" in screen.getvalue()
    # what comes afterwards is no part of it
    progress.in_graph(5)
    assert task.completed == 30


def test_no_bar(screen):
    progress = Progress()
    with progress.shown(30, visible=False):
        progress.in_graph(10)
    assert screen.getvalue() == ""


def test_a_simulation_that_fails_is_not_shown_as_done(screen):
    progress = Progress()

    def fail():
        with progress.shown(30, visible=True):
            progress.in_graph(10)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert "10/30" in screen.getvalue()
    assert "30/30" not in screen.getvalue()


@pytest.fixture(scope="module")
def sim():
    with nengo.Network(seed=0) as net:
        nengo.Probe(CustomLayer(nengo.LIF())(nengo.Node(np.ones(4))))
    with Simulator(net, progress_bar=False, memory_limit=1000) as sim:
        yield sim


def test_long_runs_say_how_far_they_are(sim, screen, monkeypatch):
    seen = []
    original = Progress._move

    def move(self, steps):
        seen.append(int(steps))
        original(self, steps)

    monkeypatch.setattr(Progress, "_move", move)
    sim.run_steps(100, progress_bar=True)
    assert len(seen) > 3  # after each chunk, and at the end
    assert seen == sorted(seen)
    assert seen[-1] == 100
    assert "100/100" in screen.getvalue()


def test_who_shows_a_bar(sim, screen):
    sim.run_steps(100)
    assert screen.getvalue() == ""
    sim.run_steps(100, progress_bar=True)
    assert "100/100" in screen.getvalue()
    shown = len(screen.getvalue())
    sim.run_steps(100, progress_bar=False)
    assert len(screen.getvalue()) == shown


def test_python_is_called_only_where_a_bar_is_shown(sim, screen):
    for shown in (True, False):
        sim.run_steps(100, progress_bar=shown)
    graphs = {
        case.reports: str(function.graph.as_graph_def())
        for case, function in sim._array_calls._functions.items()
    }
    assert {reports: '"PyFunc"' in graph for reports, graph in graphs.items()} == {
        True: True,
        False: False,
    }
