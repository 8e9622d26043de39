"""Names that are unique among others."""

from __future__ import annotations

from itertools import chain, count


def unique_name(stem: str, used: set[str], number_from: int | None = None) -> str:
    """
    Return a name that is not used, and note it as used.

    Parameters
    ----------
    stem : str
        What it begins with.
    used : set of str
        The names that are used; the new one is added.
    number_from : int, optional
        The first number to put behind it. Not given, the stem alone is tried first, then numbers
        from 1.
    """
    numbered = (f"{stem}_{number}" for number in count(1 if number_from is None else number_from))
    candidates = chain([stem], numbered) if number_from is None else numbered
    name = next(each for each in candidates if each not in used)
    used.add(name)
    return name
