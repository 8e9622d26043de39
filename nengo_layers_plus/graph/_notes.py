"""What the package notes of objects of nengo, which have no place for it."""

from __future__ import annotations

from typing import Any


class Notes:
    """
    Values by object, which are kept with the objects: a copy and a pickle of one has its note.

    Parameters
    ----------
    name : str
        What is noted.
    """

    def __init__(self, name: str) -> None:
        # as nengo warns of attributes that it does not know, it is put where they are kept
        self._key = f"__{name}_of_nengo_layers_plus"

    def __contains__(self, obj: Any) -> bool:
        return self._key in getattr(obj, "__dict__", ())

    def __setitem__(self, obj: Any, value: Any) -> None:
        vars(obj)[self._key] = value

    def get(self, obj: Any, default: Any = None) -> Any:
        """Return what was noted of an object, or a default."""
        return getattr(obj, "__dict__", {}).get(self._key, default)
