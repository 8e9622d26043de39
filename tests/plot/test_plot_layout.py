"""Nothing lies on anything else, however boxes are linked and framed."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nengo_layers_plus.plot._layered_layout import LayeredLayout, Layout
from nengo_layers_plus.plot._layout_cells import Box, Link, ranks_of

# frames by number: the frames around them
NESTED = {0: (0,), 1: (1,), 2: (0, 2), 3: (0, 2, 3), 4: (1, 4), 5: (5,)}
Area = tuple[float, float, float, float]


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[Box], list[Link]]:
    n_boxes = draw(st.integers(1, 14))
    boxes = [
        Box(
            draw(st.integers(20, 150)),
            draw(st.integers(12, 60)),
            draw(st.sampled_from([(), (), *NESTED.values()])),
            draw(st.booleans()),
        )
        for _ in range(n_boxes)
    ]
    ends = draw(
        st.sets(
            st.tuples(st.integers(0, n_boxes - 1), st.integers(0, n_boxes - 1)),
            max_size=2 * n_boxes,
        )
    )
    links = [
        Link(source, target, draw(st.integers(0, 90)), *draw(st.sampled_from([(9, 0), (9, 18)])))
        for source, target in sorted(ends)
    ]
    return boxes, links


def place(boxes: list[Box], links: list[Link], width: float) -> Layout:
    return LayeredLayout(boxes, links, lambda number, *_: (str(number), 10.0)).place(width)


def areas_of_boxes(boxes: list[Box], layout: Layout) -> list[Area]:
    return [
        (x - box.width / 2, y - box.height / 2, x + box.width / 2, y + box.height / 2)
        for box, (x, y) in zip(boxes, layout.centres, strict=True)
    ]


def areas_of_labels(links: list[Link], layout: Layout) -> list[Area]:
    return [
        (
            route.label[0] - link.width / 2,
            route.label[1] - link.above,
            route.label[0] + link.width / 2,
            route.label[1] + link.below,
        )
        for link, route in zip(links, layout.routes, strict=True)
    ]


def overlap(one: Area, other: Area) -> bool:
    return (
        min(one[2], other[2]) - max(one[0], other[0]) > 1e-3
        and min(one[3], other[3]) - max(one[1], other[1]) > 1e-3
    )


def within(inner: Area, outer: Area) -> bool:
    return (
        inner[0] > outer[0] - 1e-3
        and inner[1] > outer[1] - 1e-3
        and inner[2] < outer[2] + 1e-3
        and inner[3] < outer[3] + 1e-3
    )


@settings(max_examples=max(25, settings.default.max_examples))
@given(networks(), st.sampled_from([200.0, 500.0, 1e9]))
def test_nothing_lies_on_anything_else(network: tuple[list[Box], list[Link]], width: float) -> None:
    boxes, links = network
    layout = place(boxes, links, width)

    areas = areas_of_boxes(boxes, layout)
    things = [*areas, *areas_of_labels(links, layout)]
    assert [pair for pair in combinations(things, 2) if overlap(*pair)] == []
    whole = (layout.left, layout.top, layout.right, layout.bottom)
    assert all(within(each, whole) for each in things)
    frames = [
        (each.number, (each.left, each.top, each.right, each.bottom)) for each in layout.frames
    ]
    for number, frame in frames:
        assert within(frame, whole)
        for box, area in zip(boxes, areas, strict=True):
            assert within(area, frame) or not overlap(area, frame)
            if within(area, frame):
                assert number in box.frames
        for other, area in frames:
            nested = number in NESTED[other] or other in NESTED[number]
            assert nested or not overlap(area, frame)
    for box, area in zip(boxes, areas, strict=True):
        for number in box.frames:
            assert any(each == number and within(area, frame) for each, frame in frames)


@settings(max_examples=max(25, settings.default.max_examples))
@given(networks(), st.sampled_from([200.0, 1e9]))
def test_arrows_lead_from_box_to_box(network: tuple[list[Box], list[Link]], width: float) -> None:
    boxes, links = network
    layout = place(boxes, links, width)

    areas = areas_of_boxes(boxes, layout)
    for link, route in zip(links, layout.routes, strict=True):
        points = [point for _, step in route.steps for point in step]
        for number, (x, y) in ((link.source, points[0]), (link.target, points[-1])):
            left, top, right, bottom = areas[number]
            assert within((x, y, x, y), areas[number])
            # on its edge
            assert min(abs(x - left), abs(x - right), abs(y - top), abs(y - bottom)) < 1e-3
        # no line has a part without length, whose direction no arrow could have
        ends = [step[-1] for _, step in route.steps]
        assert all(abs(a[0] - b[0]) + abs(a[1] - b[1]) > 1e-6 for a, b in pairwise(ends))


def test_a_chain_is_straight_and_a_row_goes_on_below() -> None:
    boxes = [Box(100, 40) for _ in range(10)]
    links = [Link(number, number + 1, 30, 9) for number in range(9)]

    whole = place(boxes, links, 1e9)
    broken = place(boxes, links, 600.0)

    assert len({round(y, 3) for _, y in whole.centres}) == 1
    rows = sorted({round(y, 3) for _, y in broken.centres})
    assert len(rows) == 3
    assert broken.width < 660 < whole.width
    # from left to right, row by row
    order = sorted(range(10), key=lambda number: broken.centres[number][::-1])
    assert order == list(range(10))


def test_what_skips_boxes_goes_around_them() -> None:
    boxes = [Box(60, 40) for _ in range(4)]
    links = [Link(0, 1), Link(1, 2), Link(2, 3), Link(0, 3)]

    layout = place(boxes, links, 1e9)

    assert len({round(y, 3) for _, y in layout.centres}) == 1
    skipping = layout.routes[3].steps
    x_within = {layout.centres[1][0], layout.centres[2][0]}
    flat = [(start[-1], step[0]) for (_, start), (kind, step) in pairwise(skipping) if kind == "L"]
    for x in x_within:
        (height,) = [a[1] for a, b in flat if a[0] < x < b[0]]
        assert height > layout.centres[1][1] + 20  # below the box


def test_an_arrow_back_goes_over_the_boxes() -> None:
    boxes = [Box(60, 40) for _ in range(3)]
    links = [Link(0, 1), Link(1, 2), Link(2, 1, 30, 9), Link(1, 1, 30, 9)]

    layout = place(boxes, links, 1e9)

    assert [route.back for route in layout.routes] == [False, False, True, True]
    top = layout.centres[1][1] - 20
    for route in layout.routes[2:]:
        assert route.steps[0][1][0][1] == pytest.approx(top)
        assert route.steps[-1][1][-1][1] == pytest.approx(top)
        assert min(y for _, step in route.steps for _, y in step) < top


def test_branches_take_places_side_by_side() -> None:
    boxes = [Box(60, 40) for _ in range(6)]
    # 0 -> 1 -> 2 -> 5 and 0 -> 3 -> 4 -> 5, with the order of one column turned
    links = [Link(0, 3), Link(0, 1), Link(1, 2), Link(3, 4), Link(2, 5), Link(4, 5)]

    layout = place(boxes, links, 1e9)

    heights = [round(y, 3) for _, y in layout.centres]
    assert heights[1] == heights[2]
    assert heights[3] == heights[4]
    assert heights[1] != heights[3]
    assert layout.centres[1][0] == layout.centres[3][0]


def test_ranks_follow_data_and_inputs_stand_beside_what_takes_them() -> None:
    links = [Link(0, 1), Link(1, 2), Link(3, 2), Link(2, 1)]

    ranks, back = ranks_of(5, links)

    assert ranks == [0, 1, 2, 1, 0]
    assert back == {3}
