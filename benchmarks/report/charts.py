"""The pictures of each suite: which results are drawn, and what is said of them."""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas as pd

from benchmarks.report import words
from benchmarks.report.pictures import (
    FEWEST_SIZES,
    Picture,
    draw_bars,
    draw_curves,
    draw_stacks,
    fit_power_law,
)
from benchmarks.report.runs import PARTS, members_of

# by axis: the column of its size, and the words for it
AXES = {
    "neurons": ("n_neurons", "neurons"),
    "steps": ("n_steps", "steps"),
    "minibatch": ("minibatch", "samples at once"),
}

_POINTS = ["panel", "member", "x", "y", "y_label", "unit"]

FITTED = ("stock", "ours")  # whose growth is fitted


def speed_up(results: pd.DataFrame) -> Picture | None:
    """Draw how many times as fast as stock ours is, with marks of layer and keras."""
    measured = results.dropna(subset="ratio_to_stock")
    ours = measured[measured["member"] == "ours"]
    if ours.empty:
        return None
    marks = measured["member"].isin(["layer", "keras"]) & measured["row"].isin(ours["row"])
    data = pd.concat(
        [_ratio_bars(ours, "ratio_to_stock"), _bars(measured[marks], "ratio_to_stock")]
    )
    n = len(ours)
    least, most, median = map(words.ratio, ours["ratio_to_stock"].agg(["min", "max", "median"]))
    alt = f"Bars: ours is {least} times as fast as stock in one case."
    if n > 1:
        alt = (
            f"Bars: ours is {least} to {most} times as fast as stock in {n} cases, with a median "
            f"of {median}."
        )
    options = {"label": "times as fast as stock", "origin": 1.0, "mark": "stock"}
    return Picture(alt, draw_bars, data, options)


def beside_ours(results: pd.DataFrame) -> Picture | None:
    """Draw how many times as long as ours peers take."""
    peers = results[results["member"] != "ours"].dropna(subset="ratio_to_ours")
    if peers.empty:
        return None
    ranges = peers.groupby("member", sort=False)["ratio_to_ours"].agg(["min", "max"])
    texts = [
        f"{member} takes {' to '.join(dict.fromkeys(map(words.ratio, span)))} times as long as ours"
        for member, *span in ranges.itertuples()
    ]
    data = _ratio_bars(peers, "ratio_to_ours").assign(series="")
    options = {"label": "times as long as ours", "origin": 1.0, "mark": "ours"}
    return Picture(f"Bars: {'; '.join(texts)}.", draw_bars, data, options)


def amounts(
    results: pd.DataFrame,
    column: str,
    label: str,
    write: Callable[[float], str],
    unit: float = 1.0,
) -> Picture | None:
    """Draw an amount of each member, with a label such as "time (s)" and its unit."""
    measured = results.dropna(subset=column)
    if measured.empty:
        return None
    data = _bars(measured, column).assign(
        value=measured[column] / unit, text=measured[column].map(write), series=""
    )
    n_cases = measured["row"].nunique()
    alt = (
        f"Bars of {label.partition(' ')[0]} of {', '.join(members_of(results))} in {n_cases} "
        f"case{'s' * (n_cases > 1)}; the table has the numbers."
    )
    return Picture(alt, draw_bars, data, {"label": label})


def parts_of(results: pd.DataFrame) -> pd.DataFrame:
    """Return the results of which all parts of the time are known, with their sum as ``total``."""
    # Earlier files count the data among the calls.
    seconds = results[list(PARTS)].fillna({"part_data": 0.0})
    known = (seconds >= 0).all(axis=1) & (seconds.sum(axis=1) > 0)
    return results[known].assign(**seconds[known], total=seconds[known].sum(axis=1))


def parts(results: pd.DataFrame) -> Picture | None:
    """Draw where the time of a call goes, of results that `parts_of` returned."""
    if results.empty:
        return None
    # More digits are those of the version of pandas that sums up.
    shares = results[list(PARTS)].div(results["total"], axis=0).round(6)
    data = results[["row", "member"]].assign(text=results["seconds"].map(words.seconds), **shares)
    ours = shares[results["member"] == "ours"]
    texts = [
        f"{PARTS[part]} with {words.share(share)} in {row}"
        for row, part, share in zip(
            results["row"][ours.index], ours.idxmax(axis=1), ours.max(axis=1), strict=True
        )
    ]
    largest = f" The largest part of ours is {'; '.join(texts)}." if texts else ""
    alt = f"Stacked bars of the parts of a call's time, a bar a member.{largest}"
    options = {"label": "share of the time of a call", "parts": PARTS}
    return Picture(alt, draw_stacks, data, options)


def throughput(results: pd.DataFrame, axis: str) -> Picture | None:
    """
    Draw throughput over the minibatch or over steps.

    A panel is the network in one use where all else is the same; it needs `FEWEST_SIZES` sizes.
    """
    size, label = AXES[axis]
    fixed, one, several = ("minibatch", "sample", "samples at once")
    if axis == "minibatch":
        fixed, one, several = ("n_steps", "step", "steps")
    data = results[(results[size] > 0) & (results[fixed] > 0)]
    data = data.dropna(subset="samples_steps_per_second")
    data = data.drop_duplicates(["series", fixed, "member", size], keep="last")
    panels = data.groupby(["series", fixed], sort=False)
    uses = list(results["use"].unique())
    data = data.assign(
        # What is simulated comes before what is trained, as everywhere.
        use=data["use"].map(uses.index),
        number=panels.ngroup(),
        panel=[
            f"{series}, {value:g} {one if value == 1 else several}"
            for series, value in zip(data["series"], data[fixed], strict=True)
        ],
        x=data[size],
        y=data["samples_steps_per_second"],
        y_label="samples × steps / s",
        unit="",
    )
    data = data[panels[size].transform("nunique") >= FEWEST_SIZES]
    if data.empty:
        return None
    data = data.sort_values(["use", "number", "rank", size])
    alt = (
        f"Curves of samples times steps per second over {label}, a line a member: "
        f"{'; '.join(data['panel'].unique())}."
    )
    return Picture(alt, draw_curves, data[_POINTS], {"label": label, "same_y": True})


def growing(results: pd.DataFrame, axis: str) -> pd.DataFrame:
    """
    Return the times and the memory along an axis, a row a point.

    ``panel`` is the network in its use, ``amount`` is "time" or "memory", ``x`` the size and ``y``
    the seconds or MiB.
    """
    size = AXES[axis][0]
    grown = results[(results["axis"] == axis) & (results[size] > 0)]
    network = (grown["network"] + " " + grown["use"]).str.strip()
    points = grown.assign(
        panel=network.where(network != "", grown["series"]),
        x=grown[size],
        time=grown["seconds"],
        memory=grown["peak_memory"] / 1024**2,
    ).melt(["panel", "member", "x"], ["time", "memory"], "amount", "y", ignore_index=False)
    points = points[points["y"] > 0].sort_index(kind="stable")
    return points.drop_duplicates(["panel", "amount", "member", "x"], keep="last")


def laws(points: pd.DataFrame) -> pd.DataFrame:
    """Return the power laws of stock and ours, with the least and the largest size."""
    keys = ["panel", "amount", "member"]
    curves = points[points["member"].isin(FITTED)].groupby(keys, sort=False)
    rows = [
        (*names, curve["x"].min(), curve["x"].max(), law)
        for names, curve in curves
        if (law := fit_power_law(curve["x"], curve["y"])) is not None
    ]
    return pd.DataFrame(rows, columns=[*keys, "least", "most", "law"])


def growth(points: pd.DataFrame, axis: str) -> Picture | None:
    """Draw time and memory against what grows, of points that `growing` returned."""
    if points.empty:
        return None
    label = AXES[axis][1]
    order = {"panel": list(points["panel"].unique()), "amount": ["time", "memory"]}
    order["member"] = members_of(points)
    data = points.sort_values("x").sort_values(
        list(order), key=lambda column: column.map(order[column.name].index), kind="stable"
    )
    texts = [
        f"{row.amount} of {row.member} ({row.panel}) grows with the exponent {row.law}"
        for row in laws(data).itertuples()
    ]
    fits = f" {'; '.join(texts)}." if texts else ""
    is_time = data["amount"] == "time"
    data["y_label"] = is_time.map({True: "time", False: "peak memory (MiB)"})
    data["unit"] = is_time.map({True: "s", False: ""})
    options = {"label": label, "columns": data["amount"].nunique(), "fitted": FITTED}
    alt = f"Curves of time and memory against {label}.{fits}"
    return Picture(alt, draw_curves, data[_POINTS], options)


def _bars(results: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return what `draw_bars` takes, with nothing written behind the bars: hence marks."""
    data = results[["row", "member", "series"]]
    return data.assign(value=results[column], text="", least=math.nan, most=math.nan)


def _ratio_bars(results: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return bars of ratios, with the ratio behind them and whiskers."""
    texts = results[column].map(words.ratio) + "×"
    whiskers = results[["ratio_least", "ratio_most"]].dropna()
    least, most = whiskers["ratio_least"], whiskers["ratio_most"]
    return _bars(results, column).assign(text=texts, least=least, most=most)
