"""What the code asks for, since it can't be written."""

from __future__ import annotations

from typing import Any

from nengo_layers_plus.introspection._source._functions import describe
from nengo_layers_plus.introspection._source._layout import Expression, Text
from nengo_layers_plus.introspection._source._names import Names, identifier


class Arguments:
    """
    The arguments of the function that builds a network.

    Parameters
    ----------
    names : Names
        The names of the module.

    Attributes
    ----------
    reasons : dict of str
        What each is, and why it is asked for.
    values : dict
        What each stands for.
    """

    def __init__(self, names: Names) -> None:
        self.names = names
        self.reasons: dict[str, str] = {}
        self.values: dict[str, Any] = {}
        self._known: dict[int, str] = {}

    def ask(self, value: Any, name: str, why: str) -> Expression:
        """
        Return the argument for a value.

        Parameters
        ----------
        value : object
            The value.
        name : str
            What it is called, if it has no name.
        why : str
            Why it can't be written.
        """
        if id(value) not in self._known:
            own = getattr(value, "__name__", None)
            stem = own if isinstance(own, str) and own.isidentifier() else identifier(name)
            argument = self.names.free(stem)
            self._known[id(value)] = argument
            self.values[argument] = value
            self.reasons[argument] = f"{_describe(value)}: {why}"
        return Text(self._known[id(value)])

    def add(self, value: Any, name: str, reason: str) -> Expression:
        """Return a new argument for a value."""
        argument = self.names.free(name)
        self.values[argument] = value
        self.reasons[argument] = reason
        return Text(argument)


def _describe(value: Any) -> str:
    if callable(value) and not isinstance(value, type):
        return describe(value)
    return f"a {type(value).__module__}.{type(value).__qualname__}"
