"""The objects that code makes for a network, or for one call of a layer, and their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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

KINDS = (nengo.Ensemble, nengo.Node, nengo_dl.TensorNode, nengo.Connection, nengo.Probe)
"""The classes that objects are written as."""


class SourceError(ValidationError):
    """Something can't be written as code; the message names it and says what to do."""

    def __init__(self, msg: str, attr: str | None = "network", obj: Any = None) -> None:
        super().__init__(msg, attr=attr, obj=obj)


Path = tuple[nengo.Network, ...]
"""The networks around an object, the outermost first."""


def walk(network: nengo.Network, path: Path) -> Iterator[tuple[Any, Path]]:
    """
    Yield all objects and subnetworks of a network, and the networks around them.

    Parameters
    ----------
    network : nengo.Network
        The network.
    path : Path
        The networks around its objects.
    """
    for obj in (obj for objects in _lists(network) for obj in objects):
        yield obj, path
        if isinstance(obj, nengo.Network):
            yield from walk(obj, (*path, obj))


def _lists(network: nengo.Network) -> tuple[list[Any], ...]:
    objects = (network.ensembles, network.nodes, network.connections, network.probes)
    return (*objects, network.networks)


def network_of_call(parts: LayerParts) -> nengo.Network:
    """Return a new network that lists the objects that one call of a layer made."""
    network = nengo.Network(add_to_container=False)
    for obj in dict.fromkeys(_objects_of_call(parts)):
        kind = nengo.Network if isinstance(obj, nengo.Network) else kind_of(obj)
        network.objects[nengo.Node if kind is nengo_dl.TensorNode else kind].append(obj)
    return network


def _objects_of_call(parts: LayerParts) -> Iterator[Any]:
    """Yield the objects that a call of a layer made, in the order in which it made them."""
    if parts.network is not None:
        yield parts.network
        return
    for inner in parts.inner:
        yield from _objects_of_call(inner)
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

    An object of a subclass is written as the base, if nengo builds the two alike: the subclass has
    no builder and no parameters of its own, and overrides nothing.

    Raises
    ------
    SourceError
        If code of the subclass would be lost.
    """
    cls = type(obj)
    if cls in KINDS:
        return cls
    base = next(parent for parent in cls.__mro__ if parent in KINDS)
    added = cls.__mro__[: cls.__mro__.index(base)]
    overridden = {name for parent in added for name in vars(parent)} & {*dir(base)}
    if any(parent in Builder.builders for parent in added):
        why = "has a builder of its own"
    elif names := sorted(set(iter_params(cls)) - set(iter_params(base))):
        why = f"has parameters of its own ({', '.join(names)})"
    elif names := sorted(name for name in overridden if not name.startswith("__")):
        why = f"has {', '.join(names)} of its own"
    else:
        return base
    raise SourceError(
        f"{obj} is a {cls.__module__}.{cls.__qualname__}, which {why}, and not a plain "
        f"{base.__name__}, so that the behaviour of its class would be lost in code. Make it of "
        f"{public_name(base)}",
        obj=obj,
    )


def public_name(cls: type) -> str:
    """Return the name of a class of nengo or nengo_dl in code."""
    return f"{cls.__module__.partition('.')[0]}.{cls.__name__}"


def needed_by(obj: Any) -> Iterator[Any]:
    """Yield the objects that have to exist before an object is made."""
    if isinstance(obj, nengo.Connection):
        yield holder_of(obj.pre)
        yield holder_of(obj.post)
    elif isinstance(obj, nengo.Probe):
        yield holder_of(obj.target)


def holder_of(end: Any) -> Any:
    """Return the ensemble, node or connection that neurons, a slice or a rule belong to."""
    if isinstance(end, ObjView):
        return holder_of(end.obj)
    if isinstance(end, Neurons):
        return end.ensemble
    return end.connection if isinstance(end, LearningRule) else end


@dataclass(frozen=True)
class _Whole:
    """A subnetwork with all that is in it."""

    network: nengo.Network


class Order:
    """
    The order in which the code makes objects: as data flows, and nengo's order in each kind.

    nengo draws the seeds of the objects of a network in the order of each kind.

    Parameters
    ----------
    network : nengo.Network
        The network of the objects.
    path : Path
        The networks that the code opens around the objects of it: itself, or none.
    outside : iterable
        Objects that exist already.

    Attributes
    ----------
    steps : list of tuple
        The objects to make and the networks to open, one after another, each with the networks
        around it.
    """

    def __init__(self, network: nengo.Network, path: Path, outside: Iterable[Any] = ()) -> None:
        self.steps: list[tuple[Any, Path]] = []
        self._top = network
        self._paths: dict[Any, Path] = {**dict.fromkeys(path, ()), **dict(walk(network, path))}
        self._previous: dict[Any, Any] = {}
        for inner in (network, *(obj for obj in self._paths if isinstance(obj, nengo.Network))):
            for objects in _lists(inner):
                self._previous.update(zip(objects[1:], objects, strict=False))
        self._outside = {id(obj) for obj in outside}
        self._make(_Whole(network))

    def _make(self, root: Any) -> None:
        """Search depth first, with a stack of our own: chains of objects can be long."""
        waiting = {root: self._needed(root)}
        done: set[Any] = set()
        while waiting:
            step, needed_steps = next(reversed(waiting.items()))
            needed = next(needed_steps, None)
            if needed is None:
                del waiting[step]
                done.add(step)
                if not isinstance(step, _Whole):
                    self.steps.append((step, self._paths[step]))
            elif needed in waiting:
                # an object outside may stand between two parts of a subnetwork
                if not isinstance(needed, _Whole):
                    raise SourceError(
                        f"{needed} and others need each other in an order in which they can't be "
                        "made; a list of objects of the network was changed by hand. Put it back "
                        "into the order in which they were made",
                        obj=needed,
                    )
            elif needed not in done:
                waiting[needed] = self._needed(needed)

    def _needed(self, step: Any) -> Iterator[Any]:
        """Yield the steps before a step, in order."""
        if isinstance(step, _Whole):
            yield from self._needed_by_whole(step.network)
            return
        if step in self._previous:
            yield self._previous[step]
        for needed in needed_by(step):
            yield from self._end(step, needed, self._paths[step])
        yield from self._paths[step]

    def _needed_by_whole(self, network: nengo.Network) -> Iterator[Any]:
        if network in self._previous:
            yield _Whole(self._previous[network])
        if network is not self._top:
            for obj, path in walk(network, (*self._paths[network], network)):
                for needed in needed_by(obj):
                    if network not in self._paths.get(needed, ()):
                        yield from self._end(obj, needed, path)
        if network in self._paths:
            yield network
        yield from (*network.connections, *network.nodes, *network.ensembles)
        yield from map(_Whole, network.networks)
        yield from network.probes

    def _end(self, obj: Any, needed: Any, path: Path) -> Iterator[Any]:
        """Yield an object that another one needs, after the subnetworks that it is in."""
        if id(needed) in self._outside:
            return
        if needed not in self._paths:
            raise SourceError(
                f"{obj} leads to {needed}, which is not in the network; give the network that is "
                "around both",
                obj=obj,
            )
        yield from (_Whole(around) for around in self._paths[needed] if around not in path)
        yield needed
