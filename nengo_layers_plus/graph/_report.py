"""What reports are made of: lines and tables, as text, in a terminal and in a notebook."""

from __future__ import annotations

import html
import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import rich.table
from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.padding import Padding
from rich.text import Text

_WIDTH = 100  # where what is written goes to no terminal


def plain(text: Any) -> str:
    r"""
    Write a text without characters that do something to a terminal, or that can't be seen.

    Parameters
    ----------
    text : object
        What is written, such as a label, which may hold anything.

    Examples
    --------
    >>> from nengo_layers_plus.graph import plain
    >>> print(plain("in \x1b[31mred\n"))
    in \x1b[31mred\n
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in str(text)
    )


@dataclass(frozen=True)
class Line:
    """
    A line of a report. One that is wider than the page goes on in the next.

    Parameters
    ----------
    text : str
        What it says.
    style : str
        How it looks in a terminal, as rich says it.
    indent : int
        How far it is indented.
    """

    text: str
    style: str = ""
    indent: int = 0

    def __rich__(self) -> Text | Padding:
        text = Text(plain(self.text), self.style)
        return Padding(text, (0, 0, 0, self.indent), expand=False) if self.indent else text

    def html(self) -> str:
        """Write it as HTML."""
        return f"<p>{html.escape(plain(self.text))}</p>"


@dataclass(frozen=True)
class Table:
    """
    A table of a report.

    Parameters
    ----------
    header : sequence of str
        The heads of the columns; empty for a table without.
    rows : sequence of sequence of str
        The rows.
    right : sequence of int
        The columns that are aligned on the right, which are never wrapped.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Sequence[int] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = [[Text(plain(cell)) for cell in row] for row in self.rows]
        shown: Sequence[int] = range(len(self.header) or max(map(len, rows), default=0))
        if self.header:
            table = rich.table.Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
            widths = [max((row[index].cell_len for row in rows), default=0) for index in shown]
            if widths[0] > 0.4 * options.max_width:
                for row in rows:
                    row[0] = _broken(row[0].plain, int(0.3 * options.max_width))
            if sum(widths) + 3 * len(widths) > options.max_width:  # no room for empty columns
                shown = [index for index in shown if widths[index]]
            for index in shown:
                justify: Any = "right" if index in self.right else "left"
                table.add_column(
                    Text(self.header[index]),
                    justify=justify,
                    no_wrap=index in (0, *self.right),
                    overflow="fold",
                )
        else:
            table = rich.table.Table.grid(padding=(0, 2))
        for row in rows:
            table.add_row(*(row[index] for index in shown))
        yield table if self.header else Padding(table, (0, 0, 0, 2), expand=False)

    def html(self) -> str:
        """Write it as HTML."""

        def line(tag: str, cells: Sequence[str]) -> str:
            styled = (
                f'<{tag} style="text-align: {"right" if index in self.right else "left"}">'
                f"{html.escape(plain(cell))}</{tag}>"
                for index, cell in enumerate(cells)
            )
            return f"<tr>{''.join(styled)}</tr>"

        body = "".join(line("td", row) for row in self.rows)
        return f"<table><thead>{line('th', self.header)}</thead><tbody>{body}</tbody></table>"


def _broken(name: str, width: int) -> Text:
    """Break a name that is too long where one of its parts begins, so that these can be read."""
    lines = [""]
    for part in re.split(r"(?<=->)|(?<=/)|(?<= )", name):
        if lines[-1] and len(lines[-1] + part.rstrip()) > width:
            lines.append("")
        lines[-1] += part
    return Text("\n".join(line.rstrip() for line in lines))


def render(parts: Iterable[Line | Table]) -> str:
    """
    Write parts of a report as text that fits the terminal, or 100 columns where there is none.

    Parameters
    ----------
    parts : iterable of Line or Table
        The parts.
    """
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if is_terminal else _WIDTH
    console = Console(width=width, color_system=None, force_terminal=False, force_jupyter=False)
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


class Report:
    """What ``str``, ``rich.print`` and notebooks write from the same parts."""

    def _parts(self) -> Iterable[Line | Table]:
        """Return the lines and tables."""
        raise NotImplementedError

    def __str__(self) -> str:
        return render(self._parts())

    def __rich__(self) -> Group:
        """Show it in a terminal."""
        return Group(*self._parts())

    def _repr_html_(self) -> str:
        return "".join(part.html() for part in self._parts())
