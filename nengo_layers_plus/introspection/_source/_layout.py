"""Expressions, statements and loops, laid out as Black and ruff do, in 88 columns."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nengo_layers_plus.graph._words import unique_name

WIDTH = 88
INDENT = 4
STRING = r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\''
MARK = re.compile("\x01(\\d+)\x01")
"""What stands for a variable until names are chosen; literals have no such characters."""

_PIECE = re.compile(rf"{STRING}|[\]\[(){{}},]|[^\]\[(){{}},\"']+", re.DOTALL)
_VARYING = re.compile(rf"({STRING}|(?<![\w.\x01])\d+(?![\w.\x01]))", re.DOTALL)
"""What may differ from one repetition to the next: strings and whole numbers."""
_BEFORE_NUMBERS = ("", " ", *"[(:,=")
_SLICE = re.compile(rf"({STRING})|\[([^][:{{\"']+):([^][:{{\"']+)\]")
_FEWEST = 3
"""The fewest repetitions that are written as a loop."""
_LONGEST = 4
"""The most statements that a loop repeats."""


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
    """Return a list, or a tuple or dict by their brackets."""
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
        The number of spaces before its lines.
    prefix, suffix : str
        Text in front of it and behind it.
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
    """Return the text in front of the last brackets of a text, and the items in these."""
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
        The text.
    indent : int
        The number of spaces before its lines.
    hanging : str
        The beginning of all lines but the first.
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
        The number of blocks around it.
    value : str
        The expression that is evaluated.
    target : str
        The variable or attribute that it is assigned to. A variable that nothing refers to is left
        out.
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


@dataclass(frozen=True)
class Loop:
    """
    Statements that are repeated.

    Parameters
    ----------
    depth : int
        The number of blocks around it.
    index : str
        The loop variable.
    number : int
        The number of repetitions.
    body : tuple of Statement
        The statements.
    lists : tuple of str
        Lists that the objects are appended to, empty at first.
    seeds : dict
        Lists of seeds by their names, a seed a repetition.
    """

    depth: int
    index: str
    number: int
    body: tuple[Statement, ...]
    lists: tuple[str, ...]
    seeds: dict[str, Sequence[str]] = field(default_factory=dict)

    def lines(self, names: Mapping[str, str], has_inner: bool) -> list[str]:
        """Return its lines."""
        indent = " " * self.depth * INDENT
        lines = [f"{name} = []" for name in self.lists]
        for name, values in self.seeds.items():
            numbers = ", ".join(values[: self.number])
            written = [f"{name} = [{numbers}]"]
            if len(indent + written[0]) > WIDTH:  # ruff would give a line to every seed
                inner = textwrap.wrap(numbers, WIDTH - len(indent) - INDENT)
                written = ["# fmt: off", f"{name} = [", *(f"    {line}" for line in inner), "]"]
                written.append("# fmt: on")
            lines += written
        lines.append(f"for {self.index} in range({self.number}):")
        return [*(indent + line for line in lines), *lines_of(self.body, names)]


def references_of(statements: Iterable[Statement | Comment]) -> str:
    """Return the text of statements, without the variables that they assign to."""
    return "\n".join(
        f"{statement.value} {statement.target[len(statement.variable) :]}"
        for statement in statements
        if isinstance(statement, Statement)
    )


def lines_of(
    statements: Sequence[Statement | Comment | Loop], names: Mapping[str, str]
) -> list[str]:
    """Return the lines of some statements, given the names of variables by their marks."""
    lines: list[str] = []
    for statement, following in zip(statements, (*statements[1:], None), strict=True):
        has_inner = following is not None and following.depth > statement.depth
        lines += statement.lines(names, has_inner)
    return lines


class Loops:
    """
    Writes repeated statements as loops, which make the same objects in the same order.

    Parameters
    ----------
    used : set of str
        The names that stand for something; those of the loops are added.
    variables : dict
        The names of variables by their marks. The objects of a loop become elements of lists.
    """

    def __init__(self, used: set[str], variables: dict[str, str]) -> None:
        self._used = used
        self._variables = variables
        self._elements: dict[str, str] = {}
        self._index = self._free("index")

    def _free(self, stem: str) -> str:
        """Return a name that stands for nothing, without taking it."""
        return unique_name(stem, set(self._used))

    def fold(self, statements: Sequence[Statement | Comment]) -> list[Statement | Comment | Loop]:
        """Replace repeated statements by loops."""
        patterns = [self._pattern(statement) for statement in statements]
        folded: list[Statement | Comment | Loop] = []
        start = 0
        while start < len(statements):
            loop = None
            for period in range(1, _LONGEST + 1):
                number = _count_repetitions(patterns, start, period)
                if loop is None and number >= _FEWEST:
                    loop = self._loop(statements[start : start + period * number], period)
            folded.append(statements[start] if loop is None else loop)
            start += 1 if loop is None else loop.number * len(loop.body)
        return folded

    def _pattern(self, statement: Statement | Comment) -> object:
        """Return the statement without literals and variables, as in all its repetitions."""
        if isinstance(statement, Comment) or statement.is_block:
            return statement
        if statement.target != statement.variable:
            return statement
        return (statement.depth, *_VARYING.split(MARK.sub("\x01", statement.value))[::2])

    def _loop(self, block: Sequence[Any], period: int) -> Loop | None:
        """Return a loop for as many of the first statements as possible; None for too few."""
        rows = [block[offset::period] for offset in range(period)]
        lists = [self._list_for(row) for row in rows]
        elements = {
            statement.target: f"{name}[{number}]"
            for row, name in zip(rows, lists, strict=True)
            for number, statement in enumerate(row)
            if statement.target in self._variables
        }
        seeds: dict[str, Sequence[str]] = {}
        known = self._elements | elements
        for most in (_FEWEST, len(rows[0])):  # few are looked at first, as most are no loop
            seeds.clear()
            texts = [
                [MARK.sub(lambda mark: known.get(mark[0], mark[0]), item.value) for item in row]
                for row in (row[:most] for row in rows)
            ]
            repeated = [self._repeated(row, seeds) for row in texts]
            number = min(count for _, count in repeated)
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
        self._used |= {self._index, *kept, *seeds}
        return Loop(depth, self._index, number, tuple(body), kept, seeds)

    def _list_for(self, row: Sequence[Statement]) -> str:
        """Return the name of a list for the objects of statements; empty for none."""
        names = (self._variables.get(statement.target, "") for statement in row)
        first = next(filter(None, names), "")
        stem = re.sub(r"_?\d+$", "", first) or first
        return self._free(f"{stem}_list") if first else ""

    def _repeated(self, texts: Sequence[str], seeds: dict[str, Sequence[str]]) -> tuple[str, int]:
        """Return the expression in a loop, and the number of expressions that it stands for."""
        rows = [_VARYING.split(text) for text in texts]
        number = next((i for i, row in enumerate(rows) if row[::2] != rows[0][::2]), len(rows))
        parts = rows[0]
        for place in range(1, len(parts), 2):
            tokens = [row[place] for row in rows[:number]]
            parts[place], count = self._repeated_token(tokens, parts[place - 1], seeds)
            number = min(number, count)

        def spaced(match: re.Match[str]) -> str:
            # formatters put spaces around the bounds of a slice that are not plain numbers
            is_plain = match[1] or self._index not in match[0]
            return match[0] if is_plain else f"[{match[2]} : {match[3]}]"

        return _SLICE.sub(spaced, "".join(parts)), number

    def _repeated_token(
        self, tokens: Sequence[str], before: str, seeds: dict[str, Sequence[str]]
    ) -> tuple[str, int]:
        """Return the token in a loop, and the number of tokens that it stands for."""
        same = _count_leading(tokens, [tokens[0]] * len(tokens))
        is_seed = before.endswith("seed=")
        if same == len(tokens) or (same > 1 and not is_seed):
            return tokens[0], same
        if is_seed and all(token.isdecimal() for token in tokens):
            name = self._free("seeds" + "_more" * len(seeds))
            seeds[name] = tokens
            return f"{name}[{self._index}]", len(tokens)
        is_text = tokens[0][0] in "\"'"
        if any(c in tokens[0] for c in "\\{}") or not (is_text or before[-1:] in _BEFORE_NUMBERS):
            return tokens[0], 1
        return self._counted(tokens, is_text)

    def _counted(self, tokens: Sequence[str], is_text: bool) -> tuple[str, int]:
        """Return the same for tokens in which one number increases by a constant step."""
        first, second = (re.split(r"(\d+)", token) for token in tokens[:2])
        varying = [i for i, part in enumerate(first) if [part] != second[i : i + 1]]
        if len(first) != len(second) or len(varying) != 1 or varying[0] % 2 == 0:
            return tokens[0], 1
        (place,) = varying
        start, step = int(first[place]), int(second[place]) - int(first[place])
        if step < 1:
            return tokens[0], 1
        head, tail = "".join(first[:place]), "".join(first[place + 1 :])
        expected = [f"{head}{start + i * step}{tail}" for i in range(len(tokens))]
        index = (f"{step} * " if step != 1 else "") + self._index + (f" + {start}" if start else "")
        text = f"f{head}{{{index}}}{tail}" if is_text else index
        return text, _count_leading(tokens, expected)


def _count_leading(tokens: Sequence[str], expected: Sequence[str]) -> int:
    """Count the tokens up to the first that is not the expected one."""
    pairs = enumerate(zip(tokens, expected, strict=True))
    return next((i for i, (token, other) in pairs if token != other), len(tokens))


def _count_repetitions(patterns: Sequence[object], start: int, period: int) -> int:
    """Count how often a number of patterns is repeated."""
    number = 1
    first = patterns[start : start + period]
    while patterns[start + number * period : start + (number + 1) * period] == first:
        number += 1
    return number
