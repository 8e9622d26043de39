"""What is in a network, and what else has to be there before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import nengo
from nengo.base import ObjView
from nengo.builder import Builder
from nengo.connection import LearningRule
from nengo.ensemble import Neurons
from nengo.params import iter_params

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.introspection._source._errors import SourceError

_KINDS = (nengo.Ensemble, nengo.Node, nengo_dl.TensorNode, nengo.Connection, nengo.Probe)


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
        for obj in (*network.ensembles, *network.nodes, *network.connections, *network.probes):
            kind_of(obj)
        _check_settings(network)
        return cls(
            network,
            tuple(network.ensembles),
            tuple(network.nodes),
            tuple(network.connections),
            tuple(network.probes),
            tuple(map(cls.of, network.networks)),
        )

    @property
    def objects(self) -> tuple[Any, ...]:
        """All objects, but for those in subnetworks."""
        return (*self.ensembles, *self.nodes, *self.connections, *self.probes)

    def walk(self, path: tuple[Contents, ...] = ()) -> Iterator[tuple[Any, tuple[Contents, ...]]]:
        """Yield all objects and subnetworks, each with what is around it, the outermost first."""
        path = (*path, self)
        for obj in self.objects:
            yield obj, path
        for each in self.networks:
            yield each, path
            yield from each.walk(path)


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
    base = next(each for each in cls.__mro__ if each in _KINDS)
    added = cls.__mro__[: cls.__mro__.index(base)]
    if any(each in Builder.builders for each in added):
        why = "has a builder of its own"
    elif others := sorted(set(iter_params(cls)) - set(iter_params(base))):
        why = f"has parameters of its own ({', '.join(others)})"
    elif others := sorted(
        {name for each in added for name in vars(each) if not _is_special(name)} & {*dir(base)}
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
        if isinstance(cls, type) and issubclass(cls, _KINDS) and cls not in _KINDS:
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
