"""Writes what one call of a layer made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nengo
from nengo.base import ObjView
from nengo.ensemble import Neurons

from nengo_layers_plus.introspection._source._body import stem_of
from nengo_layers_plus.introspection._source._contents import (
    Contents,
    holder_of,
    kind_of,
    needed_by,
)
from nengo_layers_plus.introspection._source._layout import Expression
from nengo_layers_plus.introspection._source._module import module_text
from nengo_layers_plus.introspection._source._network_source import NetworkSource
from nengo_layers_plus.introspection._source._network_writer import NetworkWriter
from nengo_layers_plus.introspection._source._values import Values
from nengo_layers_plus.layers._layer_call import LayerParts

_SUMMARY = "Make what one call of a layer made."


def source_of_parts(parts: LayerParts, expand: bool) -> NetworkSource:
    """
    Write what one call of a layer made, as a function of what it was called on.

    Parameters
    ----------
    parts : LayerParts
        What it made.
    expand : bool
        Whether each object has a statement of its own.
    """
    contents = _contents_of(parts)
    inside = {obj for obj, _ in contents.walk()}
    values = Values()
    outside: list[tuple[Any, Expression]] = []
    for each in parts.input if isinstance(parts.input, tuple) else (parts.input,):
        if not any(each is known for known, _ in outside):
            outside.append((each, _argument(values, each, "what the layer was called on")))
    holders = [holder_of(each) for each, _ in outside]
    for obj in inside:
        for needed in () if isinstance(obj, Contents) else needed_by(obj):
            if needed not in inside and not any(needed is each for each in holders):
                why = f"{obj} leads to it"
                outside.append((needed, _argument(values, needed, why)))
                holders.append(needed)
    given = list(values.arguments.reasons)
    writer = NetworkWriter(contents, outside, values, depth=1)
    writer.write_parts(_trained(parts))
    returned = writer.end(parts.output)
    writer.finish(expand)
    code = module_text(writer, given, _SUMMARY, returned.flat())
    arguments = values.arguments
    return NetworkSource(code, values.arrays.kept, arguments.reasons, arguments.values)


def _argument(values: Values, obj: Any, why: str) -> Expression:
    holder = holder_of(obj)
    stem = stem_of(holder, "input")
    suffix = "_neurons" if isinstance(obj, Neurons) else "_part" if isinstance(obj, ObjView) else ""
    return values.arguments.add(obj, f"{stem}{suffix}", f"{obj}, {why}")


def _contents_of(parts: LayerParts) -> Contents:
    if parts.network is not None:
        return Contents(None, networks=(Contents.of(parts.network),))
    kinds: dict[str, dict[Any, None]] = {
        name: {} for name in ("ensembles", "nodes", "connections", "probes", "networks")
    }
    for obj in _objects_of(parts):
        if isinstance(obj, nengo.Network):
            kinds["networks"].setdefault(Contents.of(obj))
            continue
        kind_of(obj)
        name = next(
            name
            for name, cls in (
                ("ensembles", nengo.Ensemble),
                ("nodes", nengo.Node),
                ("connections", nengo.Connection),
                ("probes", nengo.Probe),
            )
            if isinstance(obj, cls)
        )
        kinds[name].setdefault(obj)
    return Contents(None, **{name: tuple(objects) for name, objects in kinds.items()})


def _objects_of(parts: LayerParts) -> Iterator[Any]:
    """Yield what a call made, in the order in which it was made."""
    for each in parts.inner:
        if each.network is not None:
            yield each.network
        else:
            yield from _objects_of(each)
    if not parts.inner:
        yield from (each for each in (parts.ensemble, parts.node) if each is not None)
        yield from parts.connections
    for value in parts.added.values():
        for each in value if isinstance(value, list | tuple) else (value,):
            if isinstance(each, nengo.base.NengoObject | nengo.Network):
                yield each


def _trained(parts: LayerParts) -> dict[Any, bool]:
    """Say of which objects the layers decided whether they train."""
    found: dict[Any, bool] = {}
    for leaf in parts.leaves:
        asked = leaf.trainable.connection
        each_asked = asked if isinstance(asked, tuple) else (asked,) * len(leaf.connections)
        for connection, trains in zip(leaf.connections, each_asked, strict=True):
            if connection.has_weights:
                found[connection] = bool(trains)
        if leaf.ensemble is not None and leaf.trainable.bias is not None:
            found[leaf.ensemble.neurons] = leaf.trainable.bias
    return found
