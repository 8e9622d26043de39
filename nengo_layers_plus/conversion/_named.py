"""Parts of a converted network by their names, or by the objects of the Keras model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.conversion._conversion_error import ConversionError
from nengo_layers_plus.graph import plain

Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Entry(Generic[Value]):
    """
    One entry of a `Named`.

    Parameters
    ----------
    name : str
        Its name.
    value : object
        Its value.
    keras_names : tuple of str
        Names by which Keras knows it.
    keras_objects : tuple
        Keras layers and tensors that it stands for.
    """

    name: str
    value: Value
    keras_names: tuple[str, ...] = ()
    keras_objects: tuple[Any, ...] = ()


class Named(Mapping[str, Value], Generic[Value]):
    """
    A mapping by name, which also takes the names and objects of Keras.

    Where the name of one entry is that which Keras has for another, the former is found.

    Parameters
    ----------
    what : str
        What it maps, for the error message.
    entries : sequence of Entry
        In their order.
    """

    def __init__(self, what: str, entries: Sequence[Entry[Value]]) -> None:
        self._what = what
        # they hold the Keras objects, so that their ids stay theirs
        self._entries = {entry.name: entry for entry in entries}

    def names_of(self, key: Any) -> list[str]:
        """Return the names of all entries that a key may stand for."""
        if tf.is_tensor(key) or isinstance(key, tf.keras.layers.Layer):
            return [
                entry.name
                for entry in self._entries.values()
                if any(each is key for each in entry.keras_objects)
            ]
        if not isinstance(key, str):
            return []
        own = [key] if key in self._entries else []
        others = [each.name for each in self._entries.values() if key in each.keras_names]
        return own + [name for name in others if name != key]

    def only_name_of(self, key: Any, argument: str) -> str | None:
        """
        Return the name of the entry that a key stands for, None if there is none.

        Raises
        ------
        ConversionError
            If it stands for several. The argument of `from_keras` is named in it.
        """
        names = self.names_of(key)
        if len(names) > 1:
            raise ConversionError(
                f"{argument}: {key!r} may be {' or '.join(map(self.describe, names))}; give the "
                "Keras layer in place of its name, such as model.get_layer(...)"
            )
        return names[0] if names else None

    def describe(self, name: str) -> str:
        """Return the name of an entry, with that of Keras if it has another."""
        others = [each for each in self._entries[name].keras_names if each != name]
        others = list(dict.fromkeys(others))
        return f"{name} ({' or '.join(others)} in Keras)" if others else name

    def keras_objects(self, name: str) -> tuple[Any, ...]:
        """Return the Keras objects that an entry stands for."""
        return self._entries[name].keras_objects

    def __getitem__(self, key: Any) -> Value:
        names = self.names_of(key)
        if not names:
            known = ", ".join(map(self.describe, self._entries)) or "nothing"
            raise KeyError(f"{key!r} is none of the {self._what}: {known}")
        return self._entries[names[0]].value

    def __contains__(self, key: object) -> bool:
        return bool(self.names_of(key))

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return plain(repr(dict(self)))
