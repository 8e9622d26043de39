"""Which numbers of steps functions are traced for."""

from __future__ import annotations

from nengo_layers_plus.simulator._lengths import Lengths


def test_the_first_and_those_that_recur():
    lengths = Lengths()
    assert [lengths.choose(steps) for steps in (30, 30, 50, 30, 50, 50, 50)] == [
        *(30, 30),  # the first
        None,
        30,
        None,
        *(50, 50),  # for the third time, and from then on
    ]


def test_always_another_one():
    lengths = Lengths()
    assert [lengths.choose(steps) for steps in range(5)] == [0, None, None, None, None]


def test_to_begin_anew():
    lengths = Lengths()
    lengths.choose(3)
    lengths.forget()
    assert lengths.choose(4) == 4
    assert lengths.choose(3) is None
