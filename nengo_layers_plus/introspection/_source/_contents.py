"""What is in a network, and what else has to be there before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import nengo
from nengo.base import ObjView
from nengo.connection import LearningRule
from nengo.ensemble import Neurons

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
            check_kind(obj)
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


def check_kind(obj: Any) -> None:
    """Raise if an object is of a class whose own code would be lost."""
    if type(obj) not in _KINDS:
        base = next(cls for cls in type(obj).__mro__ if cls in _KINDS)
        raise SourceError(
            f"{obj} is a {type(obj).__module__}.{type(obj).__qualname__}, and not a plain "
            f"{base.__name__}, so that code would lose what is special about it. Make it of "
            f"{base.__module__.partition('.')[0]}.{base.__name__}",
            obj=obj,
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
