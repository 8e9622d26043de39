"""Expressions as data, and how they are laid out: as Black and ruff do, in 88 columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

WIDTH = 88
INDENT = 4


class Expression(ABC):
    """A Python expression."""

    @abstractmethod
    def flat(self) -> str:
        """Return it in one line."""

    def split(self, indent: int) -> list[str] | None:
        """
        Return it in several lines; None if it has no brackets to split it at.

        Parameters
        ----------
        indent : int
            How far the statement around it is indented. The first line begins without.
        """
        return None


@dataclass(frozen=True)
class Text(Expression):
    """An expression that is never split."""

    text: str

    def flat(self) -> str:
        return self.text


@dataclass(frozen=True, eq=False)
class Later(Expression):
    """An expression whose text is known when all is written, such as the name of a variable."""

    text: Callable[[], str]

    def flat(self) -> str:
        return self.text()


@dataclass(frozen=True)
class Item:
    """
    An element of a call or a collection.

    Parameters
    ----------
    prefix : str
        What goes before it, such as ``"name="``.
    value : Expression
        The element.
    """

    prefix: str
    value: Expression

    def flat(self) -> str:
        """Return it in one line."""
        return self.prefix + self.value.flat()


@dataclass(frozen=True)
class Bracketed(Expression):
    """
    A call, or a collection.

    Parameters
    ----------
    head, tail : str or Expression, str
        What it begins and ends with.
    items : tuple of Item
        What is between.
    is_call : bool
        Whether all items may share a line of their own, as those of calls do.
    opening : str
        The bracket behind a head that is an expression.
    """

    head: str | Expression
    items: tuple[Item, ...]
    tail: str = ")"
    is_call: bool = True
    opening: str = "("

    def before(self) -> str:
        """Return what it begins with, with its bracket."""
        return self.head if isinstance(self.head, str) else self.head.flat() + self.opening

    def flat(self) -> str:
        inner = ", ".join(each.flat() for each in self.items)
        comma = "," if self.tail == ")" and not self.is_call and len(self.items) == 1 else ""
        return f"{self.before()}{inner}{comma}{self.tail}"

    def split(self, indent: int) -> list[str] | None:
        if not self.items:
            return None
        inner = indent + INDENT
        together = ", ".join(each.flat() for each in self.items)
        if self.is_call and inner + len(together) <= WIDTH:
            return [self.before(), " " * inner + together, " " * indent + self.tail]
        lines = [self.before()]
        for each in self.items:
            lines += lay_out(each.value, inner, each.prefix, ",")
        return [*lines, " " * indent + self.tail]


def call(function: str | Expression, /, *args: Expression, **kwargs: Expression) -> Bracketed:
    """
    Return a call.

    Parameters
    ----------
    function : str or Expression
        What is called.
    *args, **kwargs
        Its arguments.
    """
    items = [Item("", each) for each in args]
    items += [Item(f"{name}=", each) for name, each in kwargs.items()]
    return Bracketed(f"{function}(" if isinstance(function, str) else function, tuple(items))


def collection(head: str, items: Iterable[Expression | Item], tail: str) -> Bracketed:
    """
    Return a list, tuple or dict.

    Parameters
    ----------
    head, tail : str
        Its brackets.
    items : iterable of Expression or Item
        What is in it.
    """
    made = tuple(each if isinstance(each, Item) else Item("", each) for each in items)
    return Bracketed(head, made, tail, is_call=False)


def lay_out(value: Expression, indent: int, prefix: str = "", suffix: str = "") -> list[str]:
    """
    Return the lines of an expression.

    Parameters
    ----------
    value : Expression
        The expression.
    indent : int
        How far it is indented.
    prefix, suffix : str
        What goes before and behind it.
    """
    flat = f"{' ' * indent}{prefix}{value.flat()}{suffix}"
    lines = value.split(indent) if len(flat) > WIDTH else None
    if lines is None:
        return [flat]
    return [f"{' ' * indent}{prefix}{lines[0]}", *lines[1:-1], f"{lines[-1]}{suffix}"]


def lay_out_signature(name: str, parameters: Sequence[str]) -> list[str]:
    """
    Return the lines that begin a function.

    Parameters
    ----------
    name : str
        Its name.
    parameters : sequence of str
        Its parameters.
    """
    return lay_out(call(name, *map(Text, parameters)), 0, "def ", ":")


def quoted(text: str) -> str:
    """Return a string literal, with the quotes that need the fewest escapes."""
    literal = repr(text)
    if literal.startswith('"') or text.count('"') > text.count("'"):
        return literal
    return '"' + literal[1:-1].replace("\\'", "'").replace('"', '\\"') + '"'
