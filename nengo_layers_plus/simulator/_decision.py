"""How an operator can be run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """How operators run over a sequence."""

    WHOLE = "all steps at once"
    SCAN = "along time, by itself"
    STEP = "step by step"


@dataclass(frozen=True)
class Decision:
    """How an operator can be run, and why.

    Parameters
    ----------
    kind : Kind
        How it can be run.
    reason : str
        Why, in words.
    calls_python : bool
        Whether it calls a Python function that may share state with others, so that their calls
        have to keep their order.
    per_item : bool
        Whether it is known to treat each item of a minibatch by itself, and all alike.
    uses : frozenset of int
        The ``id`` of each variable that it uses.
    changes_variables : bool
        Whether it may change them, so that all that use one of them have to keep their order.
    """

    kind: Kind
    reason: str
    calls_python: bool = False
    per_item: bool = False
    uses: frozenset[int] = frozenset()
    changes_variables: bool = False
