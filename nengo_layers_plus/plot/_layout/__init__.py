"""
Places for the boxes, arrows and frames of a network, as data flows from left to right.

A layered layout [1]_: each box has a rank, the length of the longest way to it. Boxes of one rank
make a column, and between two columns of boxes there is one of labels, so that a label can't lie
on anything else. What an arrow passes by on its way is a cell of the column as well, so that it
goes around boxes. The cells of a column are ordered so that few arrows cross, and placed so that
arrows are straight, as a linear program [2]_. Frames are kept apart from what is not in them by
the same means. Columns that do not fit beside each other go on in another row, as words do.

Lengths are in points, and y grows downwards.

References
----------
.. [1] Sugiyama, Tagawa, Toda (1981). Methods for visual understanding of hierarchical system
   structures. IEEE Transactions on Systems, Man, and Cybernetics 11(2), 109-125.
.. [2] Gansner, Koutsofios, North, Vo (1993). A technique for drawing directed graphs. IEEE
   Transactions on Software Engineering 19(3), 214-230.
"""

from nengo_layers_plus.plot._layout._layered_layout import LayeredLayout
from nengo_layers_plus.plot._layout._parts import Box, Frame, Layout, Link, Route

__all__ = ["Box", "Frame", "LayeredLayout", "Layout", "Link", "Route"]
