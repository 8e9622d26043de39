"""Compares ours in two runs: what changed since one that is kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.report import _words as words
from benchmarks.report._hardware import hardware_name
from benchmarks.report._row import Row, rows_of
from benchmarks.report._run import Run
from benchmarks.table import make_console


@dataclass(frozen=True)
class Change:
    """
    Ours in a case, then and now.

    Parameters
    ----------
    title : str
        The case.
    then, now : float or None
        How many times as fast as stock ours was, and is.
    keras_then, keras_now : float or None
        How many times as long as plain tf.keras ours took, and takes.
    """

    title: str
    then: float | None
    now: float | None
    keras_then: float | None
    keras_now: float | None

    @property
    def factor(self) -> float | None:
        """The ratio to stock, as a share of what it was; None if one of them is missing."""
        return None if self.then is None or self.now is None else self.now / self.then


@dataclass(frozen=True)
class Comparison:
    """
    What two runs say of ours.

    Parameters
    ----------
    changes : tuple of Change
        Of the cases that both have: the worst first, those without a ratio to stock last.
    only_then, only_now : tuple of str
        The cases that one of them has.
    """

    changes: tuple[Change, ...]
    only_then: tuple[str, ...]
    only_now: tuple[str, ...]


def compare(run: Run, kept: Run) -> Comparison:
    """
    Compare a run with an earlier one.

    Parameters
    ----------
    run : Run
        What is now.
    kept : Run
        What was then.

    Returns
    -------
    comparison : Comparison
        Of cases in which ours has a ratio to stock or to plain tf.keras.
    """
    now, then = _by_title(rows_of(run.results)), _by_title(rows_of(kept.results))
    changes = [
        Change(
            title,
            then[title].ratio("ours"),
            row.ratio("ours"),
            then[title].times_of_keras,
            row.times_of_keras,
        )
        for title, row in now.items()
        if title in then
    ]
    changes.sort(key=lambda each: (each.factor is None, each.factor or 0.0))
    return Comparison(
        tuple(changes),
        tuple(title for title in then if title not in now),
        tuple(title for title in now if title not in then),
    )


def print_comparison(run: Run, kept: Run, console: Console | None = None) -> None:
    """
    Print what changed since an earlier run.

    Parameters
    ----------
    run : Run
        What is now.
    kept : Run
        What was then.
    console : rich.console.Console or None
        By default the standard output.
    """
    if console is None:
        console = make_console()
    compared = compare(run, kept)
    lines = [f"then: {kept.file}, now: {run.file}"]
    machines = hardware_name(kept), hardware_name(run)
    if machines[0] != machines[1]:
        lines.append(f"Machines differ: {machines[0]} then, {machines[1]} now.")
    for each in lines:
        console.print(each, markup=False, highlight=False, soft_wrap=True)
    if compared.changes:
        console.print(_table(compared.changes))
    else:
        console.print("There is no case that both have.")
    console.print(
        f"{_cases(compared.only_then)} in {kept.file} alone, "
        f"{_cases(compared.only_now)} in {run.file} alone.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _by_title(rows: Iterable[Row]) -> dict[str, Row]:
    return {
        row.title_with_suite: row
        for row in rows
        if row.ratio("ours") is not None or row.times_of_keras is not None
    }


def _table(changes: Iterable[Change]) -> Table:
    table = Table()
    table.add_column("case", no_wrap=True)
    for header in (
        *("stock / ours\nthen", "stock / ours\nnow", "now / then"),
        *("ours / keras\nthen", "ours / keras\nnow"),
    ):
        table.add_column(header, justify="right", no_wrap=True)
    for each in changes:
        numbers = each.then, each.now, each.factor, each.keras_then, each.keras_now
        table.add_row(escape(each.title), *map(words.ratio, numbers))
    return table


def _cases(titles: tuple[str, ...]) -> str:
    return f"{len(titles)} case{'s' * (len(titles) != 1)}"
