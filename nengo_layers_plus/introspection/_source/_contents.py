"""What a network, or one call of a layer, is made of, and the order in which code makes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import nengo
from nengo.base import ObjView
from nengo.builder import Builder
from nengo.connection import LearningRule
from nengo.ensemble import Neurons
from nengo.exceptions import ValidationError
from nengo.params import iter_params

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.layers._layer_call import LayerParts

_KINDS: dict[type, str] = {
    nengo.Ensemble: "ensembles",
    nengo.Node: "nodes",
    nengo_dl.TensorNode: "nodes",
    nengo.Connection: "connections",
    nengo.Probe: "probes",
}


class SourceError(ValidationError):
    """Something can't be written as code; the message names it and says what to do."""

    def __init__(self, msg: str, attr: str | None = "network", obj: Any = None) -> None:
        super().__init__(msg, attr=attr, obj=obj)


@dataclass(frozen=True, eq=False)
class Contents:
    """
    What is in a network, kind by kind, in the order in which it was made.

    Parameters
    ----------
    network : nengo.Network or None
        The network; None for the objects that a layer made.
    ensembles, nodes, connections, probes : tuple
        Its objects.
    networks : tuple of Contents
        Its subnetworks.
    """

    network: nengo.Network | None
    ensembles: tuple[Any, ...] = ()
    nodes: tuple[Any, ...] = ()
    connections: tuple[Any, ...] = ()
    probes: tuple[Any, ...] = ()
    networks: tuple[Contents, ...] = ()

    @classmethod
    def of(cls, network: nengo.Network) -> Contents:
        """Return what is in a network, at all depths."""
        _check_settings(network)
        kinds = ("ensembles", "nodes", "connections", "probes", "networks")
        return cls._of_objects([obj for kind in kinds for obj in getattr(network, kind)], network)

    @classmethod
    def of_call(cls, parts: LayerParts) -> Contents:
        """Return what one call of a layer made."""
        return cls._of_objects(_made_by(parts))

    @classmethod
    def _of_objects(cls, objects: Iterable[Any], network: nengo.Network | None = None) -> Contents:
        kinds: dict[str, list[Any]] = {}
        for obj in dict.fromkeys(objects):
            if isinstance(obj, nengo.Network):
                kinds.setdefault("networks", []).append(cls.of(obj))
            else:
                kinds.setdefault(_KINDS[kind_of(obj)], []).append(obj)
        return cls(network, **{name: tuple(made) for name, made in kinds.items()})

    @property
    def objects(self) -> tuple[Any, ...]:
        """All objects, but for those in subnetworks."""
        return (*self.ensembles, *self.nodes, *self.connections, *self.probes)

    def walk(self, path: tuple[Contents, ...] = ()) -> Iterator[tuple[Any, tuple[Contents, ...]]]:
        """Yield all objects and subnetworks, each with what is around it, the outermost first."""
        if self.network is not None:
            path = (*path, self)
        for obj in self.objects:
            yield obj, path
        for inner in self.networks:
            yield inner, path
            yield from inner.walk(path)


def _made_by(parts: LayerParts) -> Iterator[Any]:
    """Yield what a call made, in the order in which it was made."""
    if parts.network is not None:
        yield parts.network
        return
    for inner in parts.inner:
        yield from _made_by(inner)
    if not parts.inner:
        yield from (obj for obj in (parts.ensemble, parts.node) if obj is not None)
        yield from parts.connections
    for value in parts.added.values():
        for obj in value if isinstance(value, list | tuple) else (value,):
            if isinstance(obj, nengo.base.NengoObject | nengo.Network):
                yield obj


def kind_of(obj: Any) -> type:
    """
    Return the class of nengo or nengo_dl that an object is written as.

    Of a subclass that is the base, if nengo builds the two alike: no builder is its own, and it
    gives nothing that the base has, such as a parameter, another meaning.

    Raises
    ------
    SourceError
        If its own code would be lost.
    """
    cls = type(obj)
    if cls in _KINDS:
        return cls
    base = next(parent for parent in cls.__mro__ if parent in _KINDS)
    added = cls.__mro__[: cls.__mro__.index(base)]
    if any(parent in Builder.builders for parent in added):
        why = "has a builder of its own"
    elif others := sorted(set(iter_params(cls)) - set(iter_params(base))):
        why = f"has parameters of its own ({', '.join(others)})"
    elif others := sorted(
        {name for parent in added for name in vars(parent) if not _is_special(name)} & {*dir(base)}
    ):
        why = f"has {', '.join(others)} of its own"
    else:
        return base
    raise SourceError(
        f"{obj} is a {cls.__module__}.{cls.__qualname__}, which {why}, and not a plain "
        f"{base.__name__}, so that code would lose what is special about it. Make it of "
        f"{public_name(base)}",
        obj=obj,
    )


def public_name(cls: type) -> str:
    """Return what a class of nengo or nengo_dl is called in code."""
    return f"{cls.__module__.partition('.')[0]}.{cls.__name__}"


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _check_settings(network: nengo.Network) -> None:
    """Raise if settings are for objects of a subclass alone, which are written as the base."""
    for cls in network.config.params:
        if isinstance(cls, type) and issubclass(cls, tuple(_KINDS)) and cls not in _KINDS:
            raise SourceError(
                f"its configuration has settings for {cls.__module__}.{cls.__qualname__}, objects "
                "of which are written as those of its base. Set them for the objects instead",
                obj=network,
            )


def needed_by(obj: Any) -> Iterator[Any]:
    """Yield the objects that have to be there before one is made."""
    if isinstance(obj, nengo.Connection):
        yield holder_of(obj.pre)
        yield holder_of(obj.post)
    elif isinstance(obj, nengo.Probe):
        yield holder_of(obj.target)


def holder_of(end: Any) -> Any:
    """Return the ensemble, node or connection that neurons, a slice or a learning rule are of."""
    if isinstance(end, ObjView):
        return holder_of(end.obj)
    if isinstance(end, Neurons):
        return end.ensemble
    return end.connection if isinstance(end, LearningRule) else end


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

    def __init__(self, contents: Contents, outside: Iterable[Any] = ()) -> None:
        self.steps: list[Step] = []
        self._paths: dict[Any, tuple[Contents, ...]] = dict(contents.walk())
        self._outside = {id(obj) for obj in outside}
        self._before: dict[Any, Any] = {}
        for inner in (contents, *(obj for obj in self._paths if isinstance(obj, Contents))):
            kinds = (inner.ensembles, inner.nodes, inner.connections, inner.probes, inner.networks)
            for objects in kinds:
                self._before.update(zip(objects[1:], objects, strict=False))
        # objects that are made, or are being made; subnetworks that are open, or filled
        self._done: set[Any] = set()
        self._waiting: set[Any] = set()
        self._filled: set[Any] = {contents}
        if contents.network is None:
            self._done.add(contents)
        else:
            self._paths[contents] = ()
            self._open(contents)
        self._fill(contents)

    def _fill(self, contents: Contents) -> None:
        for obj in (*contents.connections, *contents.nodes, *contents.ensembles):
            self._make(obj)
        for network in contents.networks:
            self._make_network(network)
        for obj in contents.probes:
            self._make(obj)

    def _make(self, obj: Any) -> None:
        """Make an object, after all of its kind that come before it."""
        chain = [obj]
        while (before := self._before.get(chain[-1])) is not None and before not in self._done:
            chain.append(before)
        for member in reversed(chain):
            if member not in self._done:
                self._make_one(member)

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
        for around in self._paths[obj]:
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
        if contents in self._filled:
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
        if contents in self._done:
            return
        if contents in self._before:
            self._open(self._before[contents])
        for around in self._paths[contents]:
            self._open(around)
        self._done.add(contents)
        self.steps.append((contents, self._paths[contents]))
