"""What is to be placed, where it was placed, and what is between the two."""

from __future__ import annotations

from dataclasses import dataclass, field

GAP = 16.0  # between columns
SEPARATION = 8.0  # between what is above each other
PAD = 8.0  # between a frame and what is in it
RISE = 12.0  # from the top of a box to an arrow that goes back

Point = tuple[float, float]
Step = tuple[str, tuple[Point, ...]]


@dataclass(frozen=True)
class Box:
    """
    A box to be placed.

    Parameters
    ----------
    width, height : float
        Its size.
    frames : tuple of int
        The frames around it, the outermost first.
    leaf : bool
        Whether it only looks on, so that others need not be in line with it.
    """

    width: float
    height: float
    frames: tuple[int, ...] = ()
    leaf: bool = False


@dataclass(frozen=True)
class Link:
    """
    What leads from one box to another; no other link has the same ends.

    Parameters
    ----------
    source, target : int
        The numbers of the boxes.
    width, above, below : float
        The size of what is written above and below the arrow.
    """

    source: int
    target: int
    width: float = 0.0
    above: float = 0.0
    below: float = 0.0


@dataclass(frozen=True)
class Route:
    """
    Where an arrow goes.

    Parameters
    ----------
    steps : list of tuple
        A command and its points: ``"M"`` begins at a point, ``"L"`` draws a line to one, ``"Q"``
        and ``"C"`` draw a curve with one and two control points.
    label : tuple of float
        The point of the arrow that its label is above and below of.
    back : bool
        Whether it leads back to what came before.
    """

    steps: list[Step]
    label: Point
    back: bool


@dataclass(frozen=True)
class Frame:
    """The part of a frame that is in one row, and what stands in its upper left corner."""

    number: int
    left: float
    top: float
    right: float
    bottom: float
    title: str


@dataclass(frozen=True)
class Layout:
    """Where everything is, from (0, 0) to (width, height)."""

    centres: list[Point]
    routes: list[Route]
    frames: list[Frame]
    width: float
    height: float


@dataclass(eq=False)
class Cell:
    """
    A place in a column: of a box, or of a link that passes by.

    Parameters
    ----------
    column : int
        The column.
    up, down : float
        How far it reaches from where lines meet it.
    frames : tuple of int
        The frames around it.
    value : float
        What the order in the column follows.
    y : float
        Where lines meet it.
    """

    column: int
    up: float
    down: float
    frames: tuple[int, ...]
    value: float = 0.0
    y: float = 0.0


@dataclass(frozen=True, eq=False)
class Edge:
    """
    What joins cells of two columns that are beside each other.

    Parameters
    ----------
    left, right : Cell
        The cells.
    weight : float
        How much it matters that it is straight.
    rise : float
        How far the right end is below the left one where it is straight.
    """

    left: Cell
    right: Cell
    weight: float
    rise: float = 0.0


@dataclass(eq=False)
class Row:
    """
    Columns beside each other.

    Parameters
    ----------
    first, stop : int
        The first column, and the one behind the last.
    spans : dict
        The first and last column, in this row, of each frame.
    left, right : dict
        Where each column begins and ends.
    width, top, height : float
        Its size and place.
    limits : dict
        Where each frame begins and ends, from the top of the row.
    titles : dict
        What stands in each frame, and the height that it takes.
    """

    first: int
    stop: int
    spans: dict[int, tuple[int, int]] = field(default_factory=dict)
    left: dict[int, float] = field(default_factory=dict)
    right: dict[int, float] = field(default_factory=dict)
    width: float = 0.0
    top: float = 0.0
    height: float = 0.0
    limits: dict[int, tuple[float, float]] = field(default_factory=dict)
    titles: dict[int, tuple[str, float]] = field(default_factory=dict)

    def middle(self, column: int) -> float:
        """Return where the middle of a column is."""
        return (self.left[column] + self.right[column]) / 2
