"""What can go wrong when a network is written as code."""

from __future__ import annotations

from typing import Any

from nengo.exceptions import ValidationError


class SourceError(ValidationError):
    """Something can't be written as code; the message names it and says what to do."""

    def __init__(self, msg: str, attr: str | None = "network", obj: Any = None) -> None:
        super().__init__(msg, attr=attr, obj=obj)


class NoExpressionError(Exception):
    """A value has no expression that makes an equal one; the message says why."""
