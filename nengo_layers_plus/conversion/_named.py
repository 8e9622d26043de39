"""Parts of a converted network by the names of the Keras model, or by its objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from nengo_layers_plus._upstream import tf

Value = TypeVar("Value")


class Named(Mapping[str, Value], Generic[Value]):
    """
    A mapping by name, which also takes the Keras objects that the names stand for.

    Parameters
    ----------
    what : str
        What it maps, for the error message.
    entries : list of tuple
        Name, Keras layer or tensor, and value.
    """

    def __init__(self, what: str, entries: list[tuple[str, Any, Value]]) -> None:
        self._what = what
        self._values = {name: value for name, _, value in entries}
        # the Keras objects are held, so that their ids stay theirs
        self._objects = {id(obj): (obj, name) for name, obj, _ in entries}

    def __getitem__(self, key: Any) -> Value:
        name = key
        if tf.is_tensor(key) or isinstance(key, tf.keras.layers.Layer):
            name = self._objects.get(id(key), (key, getattr(key, "name", None)))[1]
            if id(key) not in self._objects:
                name = None
        try:
            return self._values[name]
        except (KeyError, TypeError):
            known = ", ".join(self._values) or "nothing"
            raise KeyError(f"{key!r} is none of the {self._what}: {known}") from None

    def __contains__(self, key: object) -> bool:
        try:
            self[key]
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)
