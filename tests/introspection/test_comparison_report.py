"""How a comparison is written."""

from __future__ import annotations

import textwrap
from dataclasses import replace

import nengo
import numpy as np
import pytest
from mutated_networks import build
from rich.console import Console

from nengo_layers_plus import compare
from nengo_layers_plus.introspection import Comparison, Difference, Divergence, GradientDifference
from nengo_layers_plus.introspection._comparison._comparison import differ, distance, diverge


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare(build(), build(into_dense={"synapse": None}, lif=nengo.LIF(tau_rc=0.03)))


def test_as_text(comparison: Comparison) -> None:
    assert str(comparison).splitlines() == [
        'a: Network "base"',
        'b: Network "base"',
        "2 differences",
        "",
        "1. synapse: spikes->dense",
        "   a: Lowpass(tau=0.005)",
        "   b: None",
        *("   " + line for line in textwrap.wrap(comparison[0].meaning, 97)),
        "   -> in b, give it synapse=Lowpass(tau=0.005)",
        "",
        "2. neuron type.tau_rc: spikes",
        "   a: 0.02",
        "   b: 0.03",
        "   the neurons respond differently to the same currents",
        "   -> in b, give the neuron type tau_rc=0.02",
    ]
    assert repr(comparison) == ('<Comparison of Network "base" and Network "base": 2 differences>')


def test_in_a_terminal_and_in_a_notebook(comparison: Comparison) -> None:
    console = Console(width=100, force_terminal=False, color_system=None)
    with console.capture() as capture:
        console.print(comparison)
    written = [line.rstrip() for line in capture.get().splitlines()]

    assert written[3:] == str(comparison).splitlines()[3:]
    html = comparison._repr_html_()
    assert html.count("<tr>") == 3
    assert "spikes-&gt;dense" in html


def test_as_data(comparison: Comparison) -> None:
    rows = comparison.to_dicts()

    assert [(row["what"], row["a"], row["value_b"]) for row in rows] == [
        ("synapse", "spikes->dense", "None"),
        ("neuron type.tau_rc", "spikes", "0.03"),
    ]
    assert comparison[1] is list(comparison)[1]


def difference(number: int) -> Difference:
    places = tuple((f"x{number}_{index}", f"y{index}") for index in range(7))
    return Difference(
        f"thing {number}", "layer", places, ((None, None),), "1", "2", "it matters", "change it"
    )


def test_many_differences_are_cut_and_counted(comparison: Comparison) -> None:
    many = replace(comparison, differences=tuple(map(difference, range(25))))

    text = str(many)

    assert "20. thing 19" in text
    assert "21. " not in text
    assert "... and 5 more, in .differences" in text
    assert "1. thing 0: x0_0 (in b y0) .. x0_6 (in b y6)" in text
    assert "... and 5 more, in .differences" in many._repr_html_()


def test_what_was_measured_is_said(comparison: Comparison) -> None:
    measured = replace(
        comparison,
        differences=(
            replace(comparison[0], effect=0.25),
            replace(comparison[1], effect=-0.5, note="measured"),
        ),
        divergences=(
            Divergence("x", (None, None), "node", np.zeros(2), 1.0, ((1, 2, 3),) * 2, None),
            Divergence("y", (None, None), "node", np.array([0, 0.5, 1]), 2.0, ((1, 3, 3),) * 2, 2),
        ),
        distance=0.125,
        remaining=0.0,
        gradients=(
            GradientDifference("x.kernel", 1.0, 1.0, 0.0, 1.0),
            GradientDifference("y.kernel", 2.0, None, None, None),
        ),
    )

    text = str(measured)

    assert "undoing it alone reduces the distance of the outputs by 25 %" in text
    assert "undoing it alone increases the distance of the outputs by 50 %" in text
    assert "first differs at y: at step 2 by 0.5, later by up to 1" in text
    assert "The outputs differ by 12.5 % of their size" in text
    assert "they are the same to the last bit" in text
    assert "The gradients of 1 of 2 parameters differ:" in text
    assert "y.kernel: norm 2 in a, not trained in b" in text


def test_rounding_is_no_divergence() -> None:
    a = np.full((1, 3, 2), 100, dtype=np.float32)
    near, far = a.copy(), a.copy()
    near[0, 1, 1] += 1e-4
    far[0, 1, 1] += 1e-2
    exact = a.astype(np.float64)
    both_nan = np.full((1, 3, 2), np.nan, dtype=np.float32)

    assert diverge("x", "node", (None, None), a, near).first_step is None
    assert diverge("x", "node", (None, None), a, far).first_step == 2
    assert diverge("x", "node", (None, None), exact, exact + 1e-4).first_step == 1
    assert diverge("x", "node", (None, None), both_nan, both_nan).first_step is None
    other_shape = diverge("x", "node", (None, None), a, np.ones((1, 3, 5)))
    assert other_shape.first_step == 1
    assert np.isnan(other_shape.largest)


def test_distances() -> None:
    a = np.array([[[3.0, 4.0]]])

    assert distance([a], [a]) == 0
    assert distance([a], [np.zeros_like(a)]) == 1
    assert distance([np.zeros_like(a)], [a]) == 1
    assert distance([a, a], [a, 2 * a]) == pytest.approx(np.sqrt(0.5))
    assert distance([a], [np.ones((1, 1, 3))]) == np.inf


def test_gradients() -> None:
    same = differ("w", np.array([3.0, 4.0]), np.array([3.0, 4.0]))
    assert (same.norm_a, same.difference, same.cosine) == (5, 0, 1)
    turned = differ("w", np.array([1.0, 0.0]), np.array([0.0, 2.0]))
    assert turned.difference == pytest.approx(np.sqrt(5) / 2)
    assert turned.cosine == 0
    assert differ("w", None, np.array([2.0])).norm_b == 2
    assert differ("w", np.zeros(2), np.zeros(3)).difference is None
