"""Compares ours in two runs: what changed since one that is kept."""

from __future__ import annotations

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.report import words
from benchmarks.report.runs import Run, combine, of_member, times_of_keras
from benchmarks.table import make_console

_COLUMNS = {
    "then": "stock / ours\nthen",
    "now": "stock / ours\nnow",
    "factor": "now / then",
    "keras_then": "ours / keras\nthen",
    "keras_now": "ours / keras\nnow",
}


def compare(run: Run, kept: Run) -> pd.DataFrame:
    """
    Compare a run with an earlier one, in the cases where ours has a ratio to stock or tf.keras.

    A row a case: how many times as fast as stock ours was ``then`` and is ``now``, ``factor``, the
    ratio of these, and how many times as long as tf.keras ours took, ``keras_then``, and takes,
    ``keras_now``. ``run`` says which have the case: "both", "then" or "now". The worst comes first.
    """
    now, then = _ratios(run, "now"), _ratios(kept, "then")
    both = now.merge(then, "outer", left_index=True, right_index=True, indicator="run")
    both["run"] = both["run"].map({"both": "both", "left_only": "now", "right_only": "then"})
    both["factor"] = both["now"] / both["then"]
    return both.sort_values("factor", kind="stable")


def print_comparison(run: Run, kept: Run, console: Console | None = None) -> None:
    """Print what changed since an earlier run, by default to the standard output."""
    console = console or make_console()
    changes = compare(run, kept)
    lines = [f"then: {kept.file}, now: {run.file}"]
    if kept.hardware != run.hardware:
        lines.append(f"Machines differ: {kept.hardware} then, {run.hardware} now.")
    shared = changes[changes["run"] == "both"]
    if shared.empty:
        lines.append("There is no case that both have.")
    console.print(*lines, sep="\n", markup=False, highlight=False, soft_wrap=True)
    if not shared.empty:
        table = Table("case")
        for header in _COLUMNS.values():
            table.add_column(header, justify="right", no_wrap=True)
        for case, ratios in shared[list(_COLUMNS)].iterrows():
            table.add_row(escape(case), *map(words.ratio, ratios))
        console.print(table)
    alone = changes["run"].value_counts().reindex(["then", "now"], fill_value=0)
    counts = [
        f"{n} case{'s' * (n != 1)} in {file} alone"
        for n, file in zip(alone, (kept.file, run.file), strict=True)
    ]
    console.print(f"{', '.join(counts)}.", markup=False, highlight=False, soft_wrap=True)


def _ratios(run: Run, name: str) -> pd.DataFrame:
    """Return how fast ours is, by case, in columns of this name."""
    results = combine([run])
    to_stock = of_member(results, "ours")["ratio_to_stock"]
    return pd.DataFrame({name: to_stock, f"keras_{name}": times_of_keras(results)}).dropna(
        how="all"
    )
