"""A mark for arguments that were not given, where None means something."""

from __future__ import annotations

import enum


class _NotGiven(enum.Enum):
    # a member of an Enum stays the same object when it is copied or pickled
    NOT_GIVEN = enum.auto()

    def __repr__(self) -> str:
        return "<not given>"


NOT_GIVEN = _NotGiven.NOT_GIVEN
