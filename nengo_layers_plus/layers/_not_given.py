"""A mark for arguments that were not given, where None means something."""

from __future__ import annotations


class _NotGiven:
    def __repr__(self) -> str:
        return "<not given>"


NOT_GIVEN = _NotGiven()
