"""What was measured, as a table to read and as values to keep."""

from __future__ import annotations

from rich.table import Table

from benchmarks.measure import Measurement


def make_table(title: str = "") -> Table:
    """Return a table without rows."""
    table = Table(title=title or None, title_justify="left", title_style="")
    table.add_column("row", no_wrap=True)
    for name in (
        "stock\n(s)",
        "ours\n(s)",
        "stock /\nours",
        "least\nto most",
        "at\nleast",
        "ours /\nkeras",
        "ours: samples\nx steps / s",
        "agree\nfor",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    return table


def add_measurement(
    table: Table, name: str, measured: Measurement, target: float, samples_steps: int | None = None
) -> None:
    """
    Add a row.

    Parameters
    ----------
    table : rich.table.Table
        A table of `make_table`.
    name : str
        Of the row.
    measured : Measurement
        What was measured.
    target : float
        How many times as fast as `nengo_dl.Simulator` it shall be.
    samples_steps : int or None
        Samples times steps that were timed.
    """
    info = summarise(measured, target, samples_steps)
    colour = "green" if measured.ratio() >= target else "yellow"
    ratios = measured.ratios()
    table.add_row(
        name,
        f"{measured.median('stock'):.3f}",
        f"{measured.median('ours'):.3f}",
        f"[{colour}]{measured.ratio():.2f}",
        f"{min(ratios):.2f}-{max(ratios):.2f}",
        f"{target:.2g}",
        f"{info['ours_to_keras']:.2f}" if "ours_to_keras" in info else "",
        f"{info['samples_steps_per_second']:,.0f}" if samples_steps else "",
        "" if measured.agreement is None else f"{measured.agreement:.1%}",
    )


def summarise(
    measured: Measurement, target: float, samples_steps: int | None = None
) -> dict[str, float]:
    """
    Return what is kept of a measurement, by name.

    Parameters
    ----------
    measured : Measurement
        What was measured.
    target : float
        How many times as fast as `nengo_dl.Simulator` it shall be.
    samples_steps : int or None
        Samples times steps that were timed.
    """
    info = {
        "stock_to_ours": measured.ratio(),
        "stock_to_ours_target": target,
        "stock_seconds": measured.median("stock"),
        "ours_seconds": measured.median("ours"),
    }
    if "keras" in measured.seconds:
        info["keras_seconds"] = measured.median("keras")
        info["ours_to_keras"] = measured.ratio("ours", "keras")
    if samples_steps is not None:
        info["samples_steps_per_second"] = samples_steps / measured.median("ours")
    if measured.agreement is not None:
        info["agreement"] = measured.agreement
    return info
