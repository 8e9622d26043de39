"""The colours of the members, which are those of the package's own pictures."""

from __future__ import annotations

# As in nengo_layers_plus.plot, which would import TensorFlow; a test compares the two.
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"),
)
INK, GREY = "#222222", "#777777"

_MEMBERS = {
    "ours": (BLUE, "o", "-"),
    "stock": (VERMILLION, "s", "--"),
    "layer": (ORANGE, "^", ":"),
    "keras": (GREEN, "D", "-."),
}
_OTHERS = ((PURPLE, "v", "--"), (SKY, "P", "-."), (GREY, "X", ":"), (ORANGE, "^", "--"))


def look(member: str, members: list[str]) -> tuple[str, str, str]:
    """
    Return the colour, marker and line style of a member.

    Parameters
    ----------
    member : str
        The member.
    members : list of str
        All in the picture; those that are no standard ones get theirs in this order.
    """
    if member in _MEMBERS:
        return _MEMBERS[member]
    others = [each for each in members if each not in _MEMBERS]
    return _OTHERS[others.index(member) % len(_OTHERS)]
