"""How far from the beginning of a network its objects are."""

from __future__ import annotations

from collections.abc import Sequence

import networkx

from nengo_layers_plus.plot._layout._parts import Link


def ranks_of(n_boxes: int, links: Sequence[Link]) -> tuple[list[int], set[int]]:
    """
    Rank boxes as data flows.

    Parameters
    ----------
    n_boxes : int
        How many boxes there are.
    links : sequence of Link
        What leads from one to another.

    Returns
    -------
    ranks : list of int
        The rank of each box, from 0.
    back : set of int
        The numbers of the links that lead back, in a loop.
    """
    flow = networkx.DiGraph()
    flow.add_nodes_from(range(n_boxes))
    flow.add_edges_from((link.source, link.target) for link in links)
    on_the_way: set[int] = set()
    backward = set()
    for source, target, how in networkx.dfs_labeled_edges(flow):
        if how == "forward":
            on_the_way.add(target)
        elif how == "reverse":
            on_the_way.discard(target)
        elif target in on_the_way:
            backward.add((source, target))
    flow.remove_edges_from(backward)
    ranks = [0] * n_boxes
    for rank, generation in enumerate(networkx.topological_generations(flow)):
        for box in generation:
            ranks[box] = rank
    # what only puts something in stands beside what takes it
    for box in range(n_boxes):
        if flow.in_degree(box) == 0 and flow.out_degree(box):
            ranks[box] = min(ranks[after] for after in flow.successors(box)) - 1
    back = {index for index, each in enumerate(links) if (each.source, each.target) in backward}
    return ranks, back
