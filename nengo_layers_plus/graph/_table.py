"""Tables as text and as HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text


def render_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    footer: Sequence[str] | None = None,
    right: Iterable[int] = (),
) -> str:
    """
    Write a table as text.

    Parameters
    ----------
    header : sequence of str
        The heads of the columns.
    rows : iterable of sequence of str
        The rows.
    footer : sequence of str, optional
        A last row, below a line.
    right : iterable of int
        The columns that are aligned on the right.
    """
    table = rich_table(header, rows, footer, right, wrap=False)
    # wide enough for all: a name that is cut off can't be looked for
    console = Console(width=10_000, color_system=None, force_terminal=False, force_jupyter=False)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().strip("\n").splitlines())


def rich_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    footer: Sequence[str] | None = None,
    right: Iterable[int] = (),
    wrap: bool = True,
) -> Table:
    """
    Make a table that rich can print, with the arguments of `render_table`.

    Parameters
    ----------
    wrap : bool
        Whether long cells may go over several lines, but for numbers.
    """
    right = set(right)
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, show_footer=footer is not None, pad_edge=False
    )
    for index, head in enumerate(header):
        table.add_column(
            Text(head),
            footer=Text("" if footer is None else footer[index]),
            justify="right" if index in right else "left",
            no_wrap=not wrap or index in right,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*map(Text, row))  # names may hold what rich would take for markup
    return table


def render_html(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    footer: Sequence[str] | None = None,
    right: Iterable[int] = (),
) -> str:
    """Write a table as HTML, with the arguments of `render_table`."""
    right = set(right)

    def line(tag: str, cells: Sequence[str]) -> str:
        styled = (
            f'<{tag} style="text-align: {"right" if index in right else "left"}">'
            f"{html.escape(cell)}</{tag}>"
            for index, cell in enumerate(cells)
        )
        return f"<tr>{''.join(styled)}</tr>"

    body = "".join(line("td", row) for row in rows)
    foot = "" if footer is None else f"<tfoot>{line('th', footer)}</tfoot>"
    return f"<table><thead>{line('th', header)}</thead><tbody>{body}</tbody>{foot}</table>"
