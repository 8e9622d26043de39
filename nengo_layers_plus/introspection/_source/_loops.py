"""Statements that repeat as a loop, which makes the same objects in the same order."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nengo_layers_plus.introspection._source._layout import (
    INDENT,
    MARK,
    STRING,
    WIDTH,
    Comment,
    Statement,
    call,
    lines_of,
)
from nengo_layers_plus.introspection._source._names import Names

_FEWEST = 3
_LONGEST = 4
"""The most statements that a loop repeats."""
_TOKEN = re.compile(rf"{STRING}|{MARK.pattern.replace('(', '(?:')}|\w[\w.]*|\s+|.", re.DOTALL)
_SLICE = re.compile(rf"({STRING})|\[([^][:{{\"']+):([^][:{{\"']+)\]")


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
        Lists of what is made, which are empty before.
    columns : dict
        Numbers that differ from time to time, by the list that they are in.
    """

    depth: int
    index: str
    number: int
    body: tuple[Statement, ...]
    lists: tuple[str, ...]
    columns: dict[str, Sequence[str]] = field(default_factory=dict)

    def lines(self, names: Mapping[str, str], has_inner: bool) -> list[str]:
        """Return its lines."""
        indent = " " * self.depth * INDENT
        lines = [f"{name} = []" for name in self.lists]
        for name, values in self.columns.items():
            numbers = ", ".join(values[: self.number])
            written = [f"{name} = [{numbers}]"]
            if len(indent + written[0]) > WIDTH:
                inner = textwrap.wrap(numbers, WIDTH - len(indent) - INDENT)
                written = ["# fmt: off", f"{name} = [", *(f"    {line}" for line in inner), "]"]
                written.append("# fmt: on")
            lines += written
        lines.append(f"for {self.index} in range({self.number}):")
        return [*(indent + line for line in lines), *lines_of(self.body, names)]


class Loops:
    """
    Writes statements that repeat as loops.

    Parameters
    ----------
    names : Names
        The names of the module.
    variables : dict
        The names of variables by their marks. Those that a loop makes become elements of lists.
    """

    def __init__(self, names: Names, variables: dict[str, str]) -> None:
        self._names = names
        self._variables = variables
        self._elements: dict[str, str] = {}
        self._index = names.next_free("index")

    def fold(self, statements: Sequence[Statement | Comment]) -> list[Statement | Comment | Loop]:
        """
        Write what repeats as loops, and hold what they make in lists.

        Parameters
        ----------
        statements : sequence of Statement or Comment
            The statements.
        """
        kinds = [self._kind(statement) for statement in statements]
        folded: list[Statement | Comment | Loop] = []
        place = 0
        while place < len(statements):
            loop = None
            for period in range(1, _LONGEST + 1):
                number = _count_alike(kinds, place, period)
                if loop is None and number >= _FEWEST:
                    loop = self._loop(statements[place : place + period * number], period)
            folded.append(statements[place] if loop is None else loop)
            place += 1 if loop is None else loop.number * len(loop.body)
        return folded

    def _kind(self, statement: Statement | Comment) -> object:
        """Return what is the same for statements that may be repetitions of each other."""
        if isinstance(statement, Comment) or statement.is_block:
            return statement
        if statement.target != statement.variable:
            return statement
        tokens = _TOKEN.findall(statement.value)
        return (statement.depth, *("" if _varies(token) else token for token in tokens))

    def _loop(self, block: Sequence[Any], period: int) -> Loop | None:
        """Return a loop for the first of some statements, as many as it can be; None if for few."""
        rows = [block[offset::period] for offset in range(period)]
        lists = [self._list_for(row) for row in rows]
        elements = {
            statement.target: f"{name}[{number}]"
            for row, name in zip(rows, lists, strict=True)
            for number, statement in enumerate(row)
            if statement.target in self._variables
        }
        columns: dict[str, Sequence[str]] = {}
        known = self._elements | elements

        def text_of(statement: Statement) -> str:
            return MARK.sub(lambda mark: known.get(mark[0], mark[0]), statement.value)

        for most in (_FEWEST, len(rows[0])):  # few are looked at first, as most are no loop
            columns.clear()
            texts = [list(map(text_of, row[:most])) for row in rows]
            repeated = [self._repeated(row, columns) for row in texts]
            number = min(alike for _, alike in repeated)
            if number < _FEWEST:
                return None
        depth = block[0].depth
        body = [
            Statement(depth + 1, call(f"{to}.append", value) if to else value)
            for to, (value, _) in zip(lists, repeated, strict=True)
        ]
        made = [statement.target for row in rows for statement in row[:number]]
        self._elements |= {mark: elements[mark] for mark in made if mark in elements}
        self._variables |= self._elements
        kept = tuple(filter(None, lists))
        self._names.used |= {self._index, *kept, *columns}
        return Loop(depth, self._index, number, tuple(body), kept, columns)

    def _list_for(self, row: Sequence[Statement]) -> str:
        """Return the name of a list for what statements make; empty if it has no names."""
        names = (self._variables.get(statement.target, "") for statement in row)
        first = next(filter(None, names), "")
        stem = re.sub(r"_?\d+$", "", first) or first
        return self._names.next_free(f"{stem}_list") if first else ""

    def _repeated(self, texts: Sequence[str], columns: dict[str, Sequence[str]]) -> tuple[str, int]:
        """Return what expressions are in a loop, and how many of them are that."""
        rows = [_TOKEN.findall(text) for text in texts]
        number = next((i for i, row in enumerate(rows) if len(row) != len(rows[0])), len(rows))
        parts: list[str] = []
        for tokens in zip(*rows[:number], strict=True):
            part, alike = self._repeated_token(tokens, parts, columns)
            parts.append(part)
            number = min(number, alike)

        def spaced(match: re.Match[str]) -> str:
            # around what is no plain number in a slice formatters put spaces
            if match[1] or self._index not in match[0]:
                return match[0]
            return f"[{match[2]} : {match[3]}]"

        return _SLICE.sub(spaced, "".join(parts)), number

    def _repeated_token(
        self, tokens: Sequence[str], before: Sequence[str], columns: dict[str, Sequence[str]]
    ) -> tuple[str, int]:
        first = tokens[0]
        same = next((i for i, token in enumerate(tokens) if token != first), len(tokens))
        is_seed = [*before[-2:]] == ["seed", "="]
        if same == len(tokens) or (same > 1 and not is_seed):
            return first, same
        if is_seed and all(token.isdecimal() for token in tokens):
            name = self._names.next_free("seeds" + "_more" * len(columns))
            columns[name] = tokens
            return f"{name}[{self._index}]", len(tokens)
        return self._counted(tokens, before[-1] if before else "")

    def _counted(self, tokens: Sequence[str], before: str) -> tuple[str, int]:
        """Write a token with one number that counts."""
        is_text = tokens[0][0] in "\"'"
        if not (is_text or tokens[0].isdecimal()) or any(c in tokens[0] for c in "\\{}"):
            return tokens[0], 1
        if not is_text and before.strip() not in ("", "[", "(", ":", ",", "="):
            return tokens[0], 1
        first, second = (re.split(r"(\d+)", token) for token in tokens[:2])
        varying = [i for i, part in enumerate(first) if [part] != second[i : i + 1]]
        if len(first) != len(second) or len(varying) != 1 or varying[0] % 2 == 0:
            return tokens[0], 1
        (place,) = varying
        start, step = int(first[place]), int(second[place]) - int(first[place])
        head, tail = "".join(first[:place]), "".join(first[place + 1 :])
        expected = (f"{head}{start + i * step}{tail}" for i in range(len(tokens)))
        pairs = enumerate(zip(tokens, expected, strict=True))
        alike = next((i for i, (token, other) in pairs if token != other), len(tokens))
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


def _varies(token: str) -> bool:
    """Say whether a token is a literal or a variable."""
    return token[0] in "\"'\x01" or token[0].isdecimal()
