"""Expressions and statements, laid out as Black and ruff do, in 88 columns."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 88
INDENT = 4
STRING = r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\''
MARK = re.compile("\x01(\\d+)\x01")
"""What stands for a variable until names are chosen; literals have no such characters."""

_PIECE = re.compile(rf"{STRING}|[\]\[(){{}},]|[^\]\[(){{}},\"']+", re.DOTALL)


def call(function: str, /, *args: str, **kwargs: str) -> str:
    """
    Return a call.

    Parameters
    ----------
    function : str
        What is called.
    *args, **kwargs : str
        Its arguments.
    """
    given = [*args, *(f"{name}={value}" for name, value in kwargs.items())]
    return f"{function}({', '.join(given)})"


def sequence(items: Iterable[str], brackets: str = "[]") -> str:
    """Return a list, or what else the brackets are those of."""
    items = list(items)
    comma = "," if brackets == "()" and len(items) == 1 else ""
    return f"{brackets[0]}{', '.join(items)}{comma}{brackets[1]}"


def quoted(text: str) -> str:
    """Return a string literal, with the quotes that need the fewest escapes."""
    literal = repr(text)
    if literal.startswith('"') or text.count('"') > text.count("'"):
        return literal
    return '"' + literal[1:-1].replace("\\'", "'").replace('"', '\\"') + '"'


def lay_out(text: str, indent: int, prefix: str = "", suffix: str = "") -> list[str]:
    """
    Return the lines of an expression.

    Parameters
    ----------
    text : str
        The expression.
    indent : int
        How far it is indented.
    prefix, suffix : str
        What goes before and behind it.
    """
    margin = " " * indent
    line = f"{margin}{prefix}{text}{suffix}"
    if len(line) <= WIDTH:
        return [line]
    head, items = _split(text)
    if not items:
        return [line]
    first, last = f"{margin}{prefix}{head}", f"{margin}{text[-1]}{suffix}"
    together = f"{margin}{' ' * INDENT}{', '.join(items)}"
    if re.search(r"[\w\])][\[(]$", head) and len(together) <= WIDTH:  # a call, or an index
        return [first, together, last]
    inner = [part for item in items for part in lay_out(item, indent + INDENT, suffix=",")]
    return [first, *inner, last]


def _split(text: str) -> tuple[str, list[str]]:
    """Return what comes before the brackets at the end of a text, and the items in them."""
    depth, start, place = 0, 0, 0
    head, items = "", [""]
    for piece in _PIECE.findall(text):
        place += len(piece)
        depth += (piece in "([{") - (piece in ")]}")
        if depth == 1 and piece in "([{":
            head, items, start = text[:place], [], place
        elif (depth == 1 and piece == ",") or (depth == 0 and piece in ")]}"):
            items.append(text[start : place - 1].strip())
            start = place
    return head, [item for item in items if item] if text[-1] in ")]}" else []


def comment_lines(text: str, indent: int = 0, hanging: str = "") -> list[str]:
    """
    Return the lines of a comment.

    Parameters
    ----------
    text : str
        What it says.
    indent : int
        How far it is indented.
    hanging : str
        What all lines but the first begin with.
    """
    head = " " * indent + "# "
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=head,
        subsequent_indent=head + hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


@dataclass(frozen=True)
class Statement:
    """
    One statement.

    Parameters
    ----------
    depth : int
        How many blocks it is in.
    value : str
        What is evaluated.
    target : str
        What it is assigned to. A variable that nothing refers to is left out.
    is_block : bool
        Whether it opens a ``with`` block.
    """

    depth: int
    value: str
    target: str = ""
    is_block: bool = False

    @property
    def variable(self) -> str:
        """The mark of the variable that it is assigned to, if it is assigned to one."""
        return self.target if MARK.fullmatch(self.target) else ""

    def lines(self, names: Mapping[str, str], has_inner: bool) -> list[str]:
        """
        Return its lines.

        Parameters
        ----------
        names : mapping
            The names of variables, by their marks.
        has_inner : bool
            Whether there are statements in its block.
        """
        indent = self.depth * INDENT
        value, target = (
            MARK.sub(lambda mark: names.get(mark[0], ""), text)
            for text in (self.value, self.target)
        )
        if self.is_block and has_inner:
            return lay_out(value, indent, "with ", f" as {target}:" if target else ":")
        lines = lay_out(value, indent, f"{target} = " if target else "")
        if len(lines[0]) <= WIDTH or ".config[" not in target:
            return lines
        owner, _, name = target.rpartition(".")
        short = " " * indent + f"config = {owner}"
        return [short, *lay_out(value, indent, f"config.{name} = ")]


@dataclass(frozen=True)
class Comment:
    """A comment."""

    depth: int
    text: str

    def lines(self, names: Mapping[str, str], has_inner: bool) -> list[str]:
        """Return its lines."""
        return comment_lines(self.text, self.depth * INDENT)


def references_of(statements: Iterable[Statement | Comment]) -> str:
    """Return the text of statements, without the variables that they assign to."""
    return "\n".join(
        f"{statement.value} {statement.target[len(statement.variable) :]}"
        for statement in statements
        if isinstance(statement, Statement)
    )


def lines_of(statements: Sequence[Any], names: Mapping[str, str]) -> list[str]:
    """Return the lines of some statements."""
    lines: list[str] = []
    for statement, following in zip(statements, (*statements[1:], None), strict=True):
        has_inner = following is not None and following.depth > statement.depth
        lines += statement.lines(names, has_inner)
    return lines
