"""Statements that repeat as a loop, which makes the same objects in the same order."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from nengo_layers_plus.introspection._source._body import Comment, Statement, Variables
from nengo_layers_plus.introspection._source._layout import (
    INDENT,
    WIDTH,
    Bracketed,
    Expression,
    Item,
    Text,
    call,
)

_FEWEST = 3
_LONGEST = 4
"""The most statements that a loop repeats."""
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|\w[\w.]*|\s+|.', re.DOTALL)


@dataclass(frozen=True)
class Loop:
    """
    Statements that are repeated.

    Parameters
    ----------
    depth : int
        How many blocks it is in.
    index : str
        The variable that counts.
    number : int
        How often.
    body : tuple of Statement
        The statements.
    lists : tuple of str
        What is made, in lists that are empty before.
    columns : dict
        Numbers that are another one each time, by the list that they are in.
    """

    depth: int
    index: str
    number: int
    body: tuple[Statement, ...]
    lists: tuple[str, ...]
    columns: dict[str, list[str]] = field(default_factory=dict)

    def lines(self, has_inner: bool) -> list[str]:
        """Return its lines."""
        indent = " " * self.depth * INDENT
        lines = [f"{indent}{name} = []" for name in self.lists]
        for name, values in self.columns.items():
            numbers = ", ".join(values[: self.number])
            written = [f"{name} = [{numbers}]"]
            if len(indent + written[0]) > WIDTH:
                inner = textwrap.wrap(numbers, WIDTH - len(indent) - INDENT)
                written = ["# fmt: off", f"{name} = [", *(f"    {each}" for each in inner), "]"]
                written.append("# fmt: on")
            lines += [f"{indent}{each}" for each in written]
        lines.append(f"{indent}for {self.index} in range({self.number}):")
        return [*lines, *(line for each in self.body for line in each.lines(False))]


class Loops:
    """
    Writes statements that repeat as loops.

    Parameters
    ----------
    variables : Variables
        The variables of the statements, whose names are chosen.
    """

    def __init__(self, variables: Variables) -> None:
        self._variables = variables
        self._index = variables.free_name("index")
        self._columns: dict[str, list[str]] = {}

    def fold(self, statements: Sequence[Statement | Comment]) -> list[Statement | Comment | Loop]:
        """
        Write what repeats as loops, and hold what they make in lists.

        Parameters
        ----------
        statements : sequence of Statement or Comment
            The statements.
        """
        kinds = [self._kind(each) for each in statements]
        found: list[Statement | Comment | Loop] = []
        place = 0
        while place < len(statements):
            loop = None
            for period in range(1, _LONGEST + 1):
                number = _count_alike(kinds, place, period)
                if number >= _FEWEST:
                    block = statements[place : place + period * number]
                    loop = self._loop(
                        [each for each in block if isinstance(each, Statement)], period
                    )
                if loop is not None:
                    break
            if loop is None:
                found.append(statements[place])
                place += 1
            else:
                found.append(loop)
                place += loop.number * len(loop.body)
        return found

    def _kind(self, statement: Statement | Comment) -> object:
        """Return what is the same for statements that may be repetitions of each other."""
        if isinstance(statement, Comment) or statement.is_block or statement.attribute:
            return statement
        target = "" if statement.target is None else statement.target.flat()
        if target and not self._variables.holds(target):
            return statement
        tokens = _TOKEN.findall(statement.value.flat())
        return (
            statement.depth,
            *("" if _is_literal(t) or self._variables.holds(t) else t for t in tokens),
        )

    def _loop(self, block: Sequence[Statement], period: int) -> Loop | None:
        """Return a loop for the first of some statements, as many as it can be; None if for few."""
        places = [block[offset::period] for offset in range(period)]
        names = [[each.target.flat() if each.target else "" for each in made] for made in places]
        lists = [self._list_for(each) for each in names]
        for made, to in zip(names, lists, strict=True):
            for number, name in enumerate(made):
                self._variables.rename(name, f"{to}[{number}]")
        self._columns = {}
        found = [self._repeated([each.value for each in made]) for made in places]
        number = min(alike for _, alike in found)
        number = number if number >= _FEWEST else 0
        for made in names:
            for name in made[number:]:
                self._variables.rename(name, name)
        if not number:
            return None
        depth = block[0].depth
        body = [
            Statement(depth + 1, call(f"{to}.append", value) if to else value)
            for to, (value, _) in zip(lists, found, strict=True)
        ]
        kept = tuple(filter(None, lists))
        for each in (self._index, *kept, *self._columns):
            self._variables.take(each)
        return Loop(depth, self._index, number, tuple(body), kept, self._columns)

    def _list_for(self, names: Sequence[str]) -> str:
        """Return the name of a list for variables; empty if there are none."""
        first = next(filter(None, names), "")
        stem = re.sub(r"_?\d+$", "", first) or first
        return self._variables.free_name(f"{stem}_list") if first else ""

    def _repeated(self, values: Sequence[Expression], prefix: str = "") -> tuple[Expression, int]:
        """Return what expressions are in a loop, and how many of them are that."""
        first = values[0]
        if isinstance(first, Bracketed) and all(_is_like(each, first) for each in values):
            brackets = [each for each in values if isinstance(each, Bracketed)]
            head, number = self._repeated_text([each.before() for each in brackets], "")
            items = []
            for place, item in enumerate(first.items):
                parts = [each.items[place].value for each in brackets]
                value, alike = self._repeated(parts, item.prefix)
                items.append(Item(item.prefix, value))
                number = min(number, alike)
            return replace(first, head=head, items=tuple(items)), number
        text, number = self._repeated_text([each.flat() for each in values], prefix)
        return Text(text), number

    def _repeated_text(self, texts: Sequence[str], prefix: str) -> tuple[str, int]:
        rows = [_TOKEN.findall(each) for each in texts]
        number = next((i for i, row in enumerate(rows) if len(row) != len(rows[0])), len(rows))
        parts: list[str] = []
        for tokens in zip(*rows[:number], strict=True):
            part, alike = self._repeated_token(tokens, prefix, parts[-1] if parts else "")
            parts.append(part)
            number = min(number, alike)
        text = "".join(parts)
        if self._index in text and not {"'", '"'}.intersection(text):
            # around what is no plain number in a slice formatters put spaces
            text = re.sub(r"\[([^][:]+):([^][:]+)\]", r"[\1 : \2]", text)
        return text, number

    def _repeated_token(self, tokens: Sequence[str], prefix: str, before: str) -> tuple[str, int]:
        first = tokens[0]
        same = next((i for i, each in enumerate(tokens) if each != first), len(tokens))
        if same > 1 and (same == len(tokens) or prefix != "seed="):
            return first, same
        if all(each.isdecimal() for each in tokens) and prefix == "seed=":
            name = self._variables.free_name("seeds" + "_more" * len(self._columns))
            self._columns[name] = list(tokens)
            return f"{name}[{self._index}]", len(tokens)
        return self._counted(tokens, before)

    def _counted(self, tokens: Sequence[str], before: str) -> tuple[str, int]:
        """Write a token with one number that counts."""
        is_text = tokens[0][0] in "\"'"
        if not (is_text or tokens[0].isdecimal()) or any(c in tokens[0] for c in "\\{}"):
            return tokens[0], 1
        if not is_text and before not in ("", "[", "(", ":", " ", ","):
            return tokens[0], 1
        first, second = (re.split(r"(\d+)", each) for each in tokens[:2])
        varying = [i for i, each in enumerate(first) if [each] != second[i : i + 1]]
        if len(first) != len(second) or len(varying) != 1 or varying[0] % 2 == 0:
            return tokens[0], 1
        (place,) = varying
        start, step = int(first[place]), int(second[place]) - int(first[place])
        head, tail = "".join(first[:place]), "".join(first[place + 1 :])
        alike = next(
            (i for i, each in enumerate(tokens) if each != f"{head}{start + i * step}{tail}"),
            len(tokens),
        )
        count = (f"{step} * " if step != 1 else "") + self._index + (f" + {start}" if start else "")
        if step < 1:
            return tokens[0], 1
        return (f"f{head}{{{count}}}{tail}" if is_text else count), alike


def _count_alike(kinds: Sequence[object], place: int, period: int) -> int:
    """Count how often as many statements are repeated."""
    number = 1
    first = kinds[place : place + period]
    while kinds[place + number * period : place + (number + 1) * period] == first:
        number += 1
    return number


def _is_literal(token: str) -> bool:
    return token[0] in "\"'" or token[0].isdecimal()


def _is_like(value: Expression, other: Bracketed) -> bool:
    return (
        isinstance(value, Bracketed)
        and (value.tail, value.is_call) == (other.tail, other.is_call)
        and [each.prefix for each in value.items] == [each.prefix for each in other.items]
    )
