"""Tables of times, ratios and memory."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.report import _words as words
from benchmarks.report._row import Row, members_of, with_any

_ABOUT_FIT = (
    "Seconds of `fit` are those of an epoch, which has as many minibatches as the table says. A "
    "call of `fit` takes some time of its own, which few or small minibatches do not hide."
)


def seconds_table(rows: Sequence[Row]) -> str:
    """Return the table of median times."""
    members = members_of(rows)
    cells = [
        (words.escape(row.title), *(words.seconds(row.seconds(member)) for member in members))
        for row in with_any(rows, Row.seconds, members)
    ]
    if not cells:
        return "There are no times in this run."
    return f"Median times:\n\n{words.table(('', *members), cells)}"


def ratio_table(rows: Sequence[Row]) -> list[str]:
    """Return the table of what is said of ours, and how to read it; none if nothing is said."""
    cells = []
    title = "Ratios of times"
    missed = []
    in_minibatches = False
    for row in rows:
        numbers = [row.number("ours", key) for key in ("ratio_to_stock", "agreement")]
        rate = row.number("ours", "samples_steps_per_second")
        if numbers == [None, None] and not rate:
            continue
        target, is_missed = row.number("ours", "target"), False
        if target is not None and numbers[0] is not None:
            is_missed = numbers[0] < target
            missed.append(is_missed)
        batches = _minibatches(row)
        in_minibatches |= batches is not None
        title = "Ratios of times, and what ours does in a second" if rate else title
        cells.append(
            (
                words.escape(row.title),
                words.ratio(numbers[0]),
                words.span(row.number("ours", "ratio_least"), row.number("ours", "ratio_most")),
                words.ratio(target) + " (missed)" * is_missed,
                words.ratio(row.times_of_keras),
                _ratio_of_layer(row),
                words.GAP if batches is None else f"{batches:g}",
                words.share(numbers[1]),
                words.count(rate or None),
            )
        )
    if not cells:
        return []
    head = (
        *("", "stock / ours", "least to most", "target", "ours / keras", "stock / layer"),
        *("minibatches", "agreement", "ours: samples × steps / s"),
    )
    said = [*_about_targets(missed), *([_ABOUT_FIT] if in_minibatches else [])]
    if any(row.times_of_keras is not None for row in rows):
        said.append("Ours / keras is how many times as long as plain tf.keras ours takes.")
    return [*([" ".join(said)] if said else []), f"{title}:\n\n{words.table(head, cells)}"]


def _about_targets(missed: Sequence[bool]) -> list[str]:
    """Say what targets are, and how many are missed; nothing if there are none."""
    if not missed:
        return []
    plural, verb = "s" * (len(missed) != 1), "is" if sum(missed) == 1 else "are"
    return [
        f"{sum(missed)} of {len(missed)} target{plural} {verb} missed: a target is what the "
        "project wants to hold, and no test fails by it."
    ]


def _minibatches(row: Row) -> float | None:
    """Return how many minibatches an epoch of training has; None of anything else."""
    return row.first.number("batches") if row.first.text("use") == "fit" else None


def _ratio_of_layer(row: Row) -> str:
    """Return how many times as fast as stock the layers alone are, and from where to where."""
    ratio, least, most = (
        row.number("layer", key) for key in ("ratio_to_stock", "ratio_least", "ratio_most")
    )
    if ratio is None or least is None or most is None:
        return words.ratio(ratio)
    return f"{words.ratio(ratio)} ({words.span(least, most)})"


def peak(row: Row, member: str) -> float | None:
    """Return the peak memory of a member in bytes; None if it is not known."""
    return row.number(member, "peak_memory")


def memory_table(rows: Sequence[Row]) -> str:
    """Return the table of peak memory."""
    members = members_of(rows)
    cells = [
        (
            words.escape(row.title),
            *(words.memory(peak(row, member)) for member in members),
            words.memory(row.number("ours", "peak_memory_target")),
        )
        for row in with_any(rows, peak, members)
    ]
    if not cells:
        return "Peak memory was not measured in this run."
    return f"Peak memory:\n\n{words.table(('', *members, 'ours at most'), cells)}"
