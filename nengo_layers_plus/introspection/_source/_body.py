"""The statements of the function that builds a network."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nengo_layers_plus.introspection._source._layout import (
    INDENT,
    WIDTH,
    Expression,
    Later,
    lay_out,
)
from nengo_layers_plus.introspection._source._names import Names, identifier


class Variables:
    """
    Variables that hold objects; an object that nothing refers to has none.

    Parameters
    ----------
    names : Names
        The names of the module.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self._stems: dict[int, tuple[Any, str]] = {}
        self._used: set[int] = set()
        self._chosen: dict[int, str] = {}
        self._keys: dict[str, int] = {}

    def add(self, obj: Any, stem: str) -> None:
        """Let an object have a variable, named so if it can be."""
        self._stems[id(obj)] = (obj, stem)

    def refer(self, obj: Any) -> Expression:
        """Return the variable of an object."""
        self._used.add(id(obj))
        return Later(lambda: self._chosen[id(obj)])

    def target(self, obj: Any) -> Expression:
        """Return the variable to assign an object to; empty if nothing refers to it."""
        return Later(lambda: self._chosen.get(id(obj), ""))

    def holds(self, name: str) -> bool:
        """Say whether a name is that of a variable that was chosen."""
        return name in self._keys

    def free_name(self, stem: str) -> str:
        """Return a name that begins so and stands for nothing yet, without taking it."""
        name = self._names.free(stem)
        self._names.used.discard(name)
        return name

    def take(self, name: str) -> None:
        """Have a name stand for something."""
        self._names.used.add(name)

    def rename(self, chosen: str, name: str) -> None:
        """Write another name for the variable that was chosen, if there is one."""
        if chosen in self._keys:
            self._chosen[self._keys[chosen]] = name

    def choose(self) -> None:
        """Choose the names, once all that refers to objects is written."""
        for key, (_, stem) in self._stems.items():
            if key in self._used:
                self._chosen[key] = self._names.free(stem)
        self._keys = {name: key for key, name in self._chosen.items()}


@dataclass(frozen=True, eq=False)
class Statement:
    """
    One statement.

    Parameters
    ----------
    depth : int
        How many blocks it is in.
    value : Expression
        What is evaluated.
    target : Expression or None
        What it is assigned to; nothing if it is empty.
    is_block : bool
        Whether it opens a ``with`` block.
    attribute : str
        An attribute of the target, if that is what is assigned to.
    """

    depth: int
    value: Expression
    target: Expression | None = None
    is_block: bool = False
    attribute: str = ""

    def lines(self, has_inner: bool) -> list[str]:
        """
        Return its lines.

        Parameters
        ----------
        has_inner : bool
            Whether there are statements in its block.
        """
        indent = self.depth * INDENT
        target = "" if self.target is None else self.target.flat()
        if self.is_block and has_inner:
            return lay_out(self.value, indent, "with ", f" as {target}:" if target else ":")
        if not self.attribute:
            return lay_out(self.value, indent, f"{target} = " if target else "")
        lines = lay_out(self.value, indent, f"{target}.{self.attribute} = ")
        if len(lines[0]) <= WIDTH:
            return lines
        short = " " * indent + f"config = {target}"
        return [short, *lay_out(self.value, indent, f"config.{self.attribute} = ")]


@dataclass(frozen=True)
class Comment:
    """A comment."""

    depth: int
    text: str

    def lines(self, has_inner: bool) -> list[str]:
        """Return its lines."""
        return comment_lines(self.text, self.depth * INDENT)


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


def body_lines(statements: Sequence[Any]) -> list[str]:
    """Return the lines of some statements."""
    lines: list[str] = []
    for statement, following in zip(statements, (*statements[1:], None), strict=True):
        has_inner = following is not None and following.depth > statement.depth
        lines += statement.lines(has_inner)
    return lines


def stem_of(obj: Any, kind: str) -> str:
    """
    Return what the name of a variable begins with.

    Parameters
    ----------
    obj : object
        An object with a label, or None.
    kind : str
        What it is, for objects without.
    """
    label = getattr(obj, "label", None)
    if not label:
        return kind
    stem = identifier(label)
    return f"{kind}{stem}" if stem.startswith("_") else stem
