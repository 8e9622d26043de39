"""The charts of the report: which results are drawn, and what is said of them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from benchmarks.report import _words as words
from benchmarks.report._bars import Bar, BarChart, Bars, draw_bars
from benchmarks.report._curves import Curve, CurveChart, Panel, draw_curves
from benchmarks.report._picture import Picture
from benchmarks.report._power_law import PowerLaw, fit_power_law
from benchmarks.report._result import Result
from benchmarks.report._row import Row, members_of
from benchmarks.report._stacks import Stack, StackChart, StackGroup, draw_stacks

AXES = {
    "neurons": ("n_neurons", "neurons"),
    "steps": ("n_steps", "steps"),
    "minibatch": ("minibatch", "samples at once"),
}
"""What can grow: the key of its size, and the words for it."""

PARTS = {
    "part_layers": "layers",
    "part_neurons": "neurons",
    "part_data": "data",
    "part_other": "other operations",
    "part_calls": "calls",
}
"""What the time of a call is divided into: the key of its seconds, and the words for it."""

_LIMITS = {
    "arithmetic": ("part_layers",),
    "memory traffic": ("part_neurons", "part_data"),
    "launches": ("part_other", "part_calls"),
}
"""What can limit a call, and the parts of its time that say so."""

FEWEST_POINTS = 3
"""Fewer of them are no curve."""

_FITTED = ("stock", "ours")


def speed_up(name: str, rows: Sequence[Row]) -> Picture | None:
    """
    Draw how many times as fast as stock ours is.

    Parameters
    ----------
    name : str
        That of the picture.
    rows : sequence of Row
        What was measured; those without a ratio of ours are left out.
    """
    groups = []
    for row in rows:
        value = row.ratio("ours")
        if value is not None:
            marks = ((member, row.ratio(member)) for member in ("layer", "keras"))
            groups.append(
                Bars(
                    row.title,
                    (_ratio_bar(row, "ours", value),),
                    tuple((member, mark) for member, mark in marks if mark is not None),
                    row.first.series,
                )
            )
    if not groups:
        return None
    values = [group.bars[0].value for group in groups]
    chart = BarChart("times as fast as stock", tuple(groups), 1.0, "stock")
    alt = f"Bars: ours is {words.ratio(values[0])} times as fast as stock in one case."
    if len(values) > 1:
        alt = (
            f"Bars: ours is {words.ratio(min(values))} to {words.ratio(max(values))} times as fast "
            f"as stock in {len(values)} cases, with a median of "
            f"{words.ratio(statistics.median(values))}."
        )
    return Picture(name, alt, draw_bars, (chart,))


def beside_ours(name: str, rows: Sequence[Row]) -> Picture | None:
    """
    Draw how many times as long as ours peers take.

    Parameters
    ----------
    name : str
        That of the picture.
    rows : sequence of Row
        What was measured.
    """
    groups = []
    ranges: dict[str, list[float]] = {}
    for row in rows:
        bars = []
        for member in members_of(rows):
            value = row.ratio(member, "ratio_to_ours")
            if member != "ours" and value is not None:
                bars.append(_ratio_bar(row, member, value))
                ranges.setdefault(member, []).append(value)
        if bars:
            groups.append(Bars(row.title, tuple(bars)))
    if not groups:
        return None
    chart = BarChart("times as long as ours", tuple(groups), 1.0, "ours")
    texts = [
        f"{member} takes {_range(each)} times as long as ours" for member, each in ranges.items()
    ]
    return Picture(name, f"Bars: {'; '.join(texts)}.", draw_bars, (chart,))


def amounts(
    name: str,
    rows: Sequence[Row],
    what: str,
    get: Callable[[Row, str], float | None],
    write: Callable[[float | None], str],
    unit: tuple[str, float] = ("s", 1.0),
) -> Picture | None:
    """
    Draw an amount of each member.

    Parameters
    ----------
    name : str
        That of the picture.
    rows : sequence of Row
        What was measured.
    what : str
        The amount, e.g. "time".
    get : callable
        Takes a row and a member; returns the amount.
    write : callable
        Writes an amount.
    unit : tuple
        That of the axis, and how much it is.
    """
    groups = []
    members = members_of(rows)
    for row in rows:
        values = {member: get(row, member) for member in members}
        bars = tuple(
            Bar(member, value / unit[1], write(value))
            for member, value in values.items()
            if value is not None
        )
        if bars:
            groups.append(Bars(row.title, bars))
    if not groups:
        return None
    chart = BarChart(f"{what} ({unit[0]})", tuple(groups))
    cases = f"{len(groups)} case{'s' if len(groups) > 1 else ''}"
    alt = f"Bars of {what} of {', '.join(members)} in {cases}; the table has the numbers."
    return Picture(name, alt, draw_bars, (chart,))


def parts(name: str, rows: Sequence[Row]) -> Picture | None:
    """
    Draw where the time of a call goes.

    Parameters
    ----------
    name : str
        That of the picture.
    rows : sequence of Row
        What was measured; members without parts are left out.
    """
    groups = []
    texts = []
    members = members_of(rows)
    for row in rows:
        stacks = []
        for member in members:
            seconds = parts_of(row, member)
            if seconds is None:
                continue
            shares = tuple(each / sum(seconds) for each in seconds)
            stacks.append(Stack(member, shares, words.seconds(row.seconds(member))))
            if member == "ours":
                largest = list(PARTS.values())[shares.index(max(shares))]
                texts.append(f"{largest} with {words.share(max(shares))} in {row.title}")
        if stacks:
            groups.append(StackGroup(row.title, tuple(stacks)))
    if not groups:
        return None
    said = f" The largest part of ours is {'; '.join(texts)}." if texts else ""
    alt = f"Stacked bars of the parts of a call's time, a bar a member.{said}"
    chart = StackChart("share of the time of a call", tuple(PARTS.values()), tuple(groups))
    return Picture(name, alt, draw_stacks, (chart,))


def parts_of(row: Row, member: str) -> tuple[float, ...] | None:
    """Return the seconds of a member's parts; None if any is not known, or all are 0."""
    found = {key: row.number(member, key) for key in PARTS}
    # Earlier files count the data among the calls.
    if found["part_data"] is None:
        found["part_data"] = 0.0
    seconds = found.values()
    known = tuple(each for each in seconds if each is not None and each >= 0)
    return known if len(known) == len(PARTS) and sum(known) > 0 else None


def limit_of(seconds: Sequence[float]) -> tuple[str, float]:
    """
    Return what limits a call, and the share of its time that says so.

    Parameters
    ----------
    seconds : sequence of float
        Those of its parts, as `parts_of` returns them.
    """
    of_part = dict(zip(PARTS, seconds, strict=True))
    shares = {
        limit: sum(of_part[key] for key in keys) / sum(seconds) for limit, keys in _LIMITS.items()
    }
    largest = max(shares, key=lambda limit: shares[limit])
    return largest, shares[largest]


def throughput(name: str, results: Sequence[Result], axis: str) -> Picture | None:
    """
    Draw throughput over the minibatch or over steps.

    Parameters
    ----------
    name : str
        That of the picture.
    results : sequence of Result
        What was measured. A panel is the network in one use where all else is the same; it needs
        `FEWEST_POINTS` sizes.
    axis : {"minibatch", "steps"}
        What grows.
    """
    key, words_of_axis = AXES[axis]
    fixed = "n_steps" if axis == "minibatch" else "minibatch"
    of_fixed = "steps" if fixed == "n_steps" else "samples at once"
    panels: dict[tuple[str, float], dict[str, dict[float, float]]] = {}
    for each in results:
        size, other = each.number(key), each.number(fixed)
        rate = each.number("samples_steps_per_second")
        if size and other and rate:
            panel = panels.setdefault((each.series, other), {})
            panel.setdefault(each.member, {})[size] = rate
    drawn = []
    # What is simulated comes before what is trained, as everywhere.
    uses = list(dict.fromkeys(each.text("use") for each in results))
    use_of = {each.series: each.text("use") for each in results}
    for (series, other), curves in sorted(
        panels.items(), key=lambda panel: uses.index(use_of[panel[0][0]])
    ):
        if len({size for points in curves.values() for size in points}) >= FEWEST_POINTS:
            order = members_of([Row("", dict.fromkeys(curves, results[0]))])
            drawn.append(
                Panel(
                    f"{series}, {_number_of(other, of_fixed)}",
                    words_of_axis,
                    "samples × steps / s",
                    tuple(_curve(member, curves[member]) for member in order),
                )
            )
    if not drawn:
        return None
    alt = (
        f"Curves of samples times steps per second over {words_of_axis}, a line a member: "
        f"{'; '.join(panel.title for panel in drawn)}."
    )
    return Picture(name, alt, draw_curves, (CurveChart(tuple(drawn), same_y=True),))


def laws(results: Sequence[Result], axis: str) -> list[tuple[str, str, Curve]]:
    """
    Fit power laws to what was measured along an axis.

    Parameters
    ----------
    results : sequence of Result
        Those of any axis.
    axis : {"neurons", "steps", "minibatch"}
        What grows.

    Returns
    -------
    curves : list of tuple
        The network in its use, "time" or "memory", and the curve of a member. Only those of stock
        and ours have a law.
    """
    points: dict[tuple[str, str, str], dict[float, float]] = {}
    for each in results:
        size = each.number(AXES[axis][0])
        if each.text("axis") != axis or not size:
            continue
        series = " ".join(filter(None, (each.text("network"), each.text("use")))) or each.series
        for what, value in (("time", each.seconds), ("memory", each.number("peak_memory"))):
            if value is not None and value > 0:
                points.setdefault((series, what, each.member), {})[size] = value
    return [
        (series, what, _curve(member, values, fitted=member in _FITTED))
        for (series, what, member), values in points.items()
    ]


def growth(name: str, curves: Sequence[tuple[str, str, Curve]], axis: str) -> Picture | None:
    """
    Draw time and memory against what grows.

    Parameters
    ----------
    name : str
        That of the picture.
    curves : sequence of tuple
        What `laws` returned.
    axis : {"neurons", "steps", "minibatch"}
        What grows.
    """
    label = AXES[axis][1]
    panels, texts = [], []
    columns = len({what for _, what, _ in curves})
    for series in dict.fromkeys(each[0] for each in curves):
        for what in ("time", "memory"):
            chosen = [each for each in curves if each[:2] == (series, what)]
            order = sorted(chosen, key=lambda each: each[2].member != "stock")
            if not order:
                continue
            shown = tuple(each if what == "time" else _in_mib(each) for _, _, each in order)
            y_label = "time" if what == "time" else "peak memory (MiB)"
            unit = "s" if what == "time" else ""
            panels.append(Panel(series, label, y_label, shown, unit))
            texts += [
                f"{what} of {each.member} ({series}) grows with the exponent "
                f"{words.exponent(each.law)}"
                for each in shown
                if each.law is not None
            ]
    if not panels:
        return None
    said = f" {'; '.join(texts)}." if texts else ""
    alt = f"Curves of time and memory against {label}.{said}"
    return Picture(name, alt, draw_curves, (CurveChart(tuple(panels), columns),))


def _range(ratios: Sequence[float]) -> str:
    texts = [words.ratio(min(ratios)), words.ratio(max(ratios))]
    return " to ".join(dict.fromkeys(texts))


def _ratio_bar(row: Row, member: str, value: float) -> Bar:
    least, most = row.ratio(member, "ratio_least"), row.ratio(member, "ratio_most")
    return Bar(member, value, f"{words.ratio(value)}×", least, most)


def _curve(member: str, points: dict[float, float], fitted: bool = False) -> Curve:
    sizes = tuple(sorted(points))
    values = tuple(points[size] for size in sizes)
    return Curve(member, sizes, values, fit_power_law(sizes, values) if fitted else None)


def _in_mib(curve: Curve) -> Curve:
    values = tuple(value / 1024**2 for value in curve.y)
    law = fit_power_law(curve.x, values) if isinstance(curve.law, PowerLaw) else None
    return Curve(curve.member, curve.x, values, law)


def _number_of(value: float, what: str) -> str:
    one = {"steps": "step", "samples at once": "sample"}
    return f"{value:g} {one[what] if value == 1 else what}"
