"""The order in which the code makes objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nengo_layers_plus.introspection._source._contents import Contents, needed_by
from nengo_layers_plus.introspection._source._errors import SourceError

Step = tuple[Any, tuple[Contents, ...]]
"""An object to make, or a subnetwork to open, and what is around it, the outermost first."""


class Order:
    """
    The order in which the code makes objects: as data flows, and nengo's order in each kind.

    nengo draws the seeds of the objects of a network in the order of each kind.

    Parameters
    ----------
    contents : Contents
        What the code makes.
    outside : sequence
        Objects that are there already.

    Attributes
    ----------
    steps : list
        What to make, one after another.
    """

    def __init__(self, contents: Contents, outside: Sequence[Any] = ()) -> None:
        self.steps: list[Step] = []
        self._paths = dict(contents.walk())
        self._outside = {id(each) for each in outside}
        self._before: dict[Any, Any] = {}
        for each in (contents, *(each for each in self._paths if isinstance(each, Contents))):
            kinds = (each.ensembles, each.nodes, each.connections, each.probes, each.networks)
            for objects in kinds:
                self._before.update(zip(objects[1:], objects, strict=False))
        # objects that are made, or are being made; subnetworks that are open, or filled
        self._done: set[Any] = set()
        self._waiting: set[Any] = set()
        self._filled: set[Any] = set()
        self._fill(contents)

    def _fill(self, contents: Contents) -> None:
        for obj in contents.connections:
            self._make(obj)
        for obj in (*contents.nodes, *contents.ensembles):
            self._make(obj)
        for each in contents.networks:
            self._make_network(each)
        for obj in contents.probes:
            self._make(obj)

    def _make(self, obj: Any) -> None:
        """Make an object, after all of its kind that come before it."""
        chain = [obj]
        while (before := self._before.get(chain[-1])) is not None and before not in self._done:
            chain.append(before)
        for each in reversed(chain):
            if each not in self._done:
                self._make_one(each)

    def _make_one(self, obj: Any) -> None:
        if obj in self._waiting:
            raise SourceError(
                f"{obj} and others need each other in an order in which they can't be made; a list "
                "of objects of the network was changed by hand. Put it back into the order in "
                "which they were made",
                obj=obj,
            )
        self._waiting.add(obj)
        for needed in needed_by(obj):
            self._need(obj, needed, self._paths[obj])
        for around in self._paths[obj][1:]:
            self._open(around)
        self._waiting.discard(obj)
        self._done.add(obj)
        self.steps.append((obj, self._paths[obj]))

    def _need(self, obj: Any, needed: Any, inside: Sequence[Contents]) -> None:
        """Make what an object needs, with all of the subnetwork that it is in."""
        if id(needed) in self._outside:
            return
        if needed not in self._paths:
            raise SourceError(
                f"{obj} leads to {needed}, which is not in the network; give the network that is "
                "around both",
                obj=obj,
            )
        for around in self._paths[needed]:
            if around not in inside:
                self._make_network(around)
        if needed not in self._done:
            self._make(needed)

    def _make_network(self, contents: Contents) -> None:
        """Make a subnetwork in one go, what it needs from outside before."""
        if contents in self._filled or contents not in self._paths:
            return
        self._filled.add(contents)
        if contents in self._before:
            self._make_network(self._before[contents])
        for obj, path in contents.walk(self._paths[contents]):
            for needed in () if isinstance(obj, Contents) else needed_by(obj):
                if contents not in self._paths.get(needed, ()):
                    self._need(obj, needed, path)
        self._open(contents)
        self._fill(contents)

    def _open(self, contents: Contents) -> None:
        if contents in self._done or contents not in self._paths:
            return
        if contents in self._before:
            self._open(self._before[contents])
        for around in self._paths[contents][1:]:
            self._open(around)
        self._done.add(contents)
        self.steps.append((contents, self._paths[contents]))
