"""Whose synapse is being built, and whether it may train there."""

from __future__ import annotations

from typing import Any

import nengo
from nengo.builder import Signal

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph import trains_by_setting


def owner_of(model: Any, synapse: Any, mode: str, output: Signal | None) -> Any:
    """
    Find the object of a network for which a synapse is being built.

    nengo does not say so. But of the objects that have the synapse, which may be several, it is
    the one that was begun, and has no signal yet for what the synapse makes.

    Parameters
    ----------
    model : nengo.builder.Model
        The model that it is built into.
    synapse : nengo.synapses.Synapse
        The synapse.
    mode : str
        The mode that nengo asks for.
    output : nengo.builder.Signal or None
        The output that nengo asks for.

    Returns
    -------
    owner : nengo.Connection, nengo.Probe, nengo.Node or None
        None if it is none of these, such as a learning rule.
    """
    if mode == "update":
        for obj in reversed(model.sig):  # what was begun last is the last
            signals = model.sig[obj]
            if getattr(obj, "synapse", None) is not synapse:
                continue
            if isinstance(obj, nengo.Connection) and "weights" in signals:
                if "weighted" not in signals:
                    # a probe of what is decoded makes a connection to itself
                    return obj.post_obj if isinstance(obj.post_obj, nengo.Probe) else obj
            elif isinstance(obj, nengo.Probe) and "in" in signals and "filtered" not in signals:
                return obj
    elif output is not None and model.toplevel is not None:
        for node in model.toplevel.all_nodes:  # they are built in this order
            if node.output is synapse and node not in model.params:
                return node
    return None


def may_train(model: Any, owner: Any) -> bool:
    """
    Say whether the settings of the network let an object's synapse train.

    Parameters
    ----------
    model : nengo_dl.builder.NengoModel
        The model.
    owner : nengo.Connection, nengo.Probe or nengo.Node
        The object.
    """
    if model.toplevel is None or nengo_dl.config.get_setting(model, "inference_only", False):
        return False
    return trains_by_setting(model.toplevel, owner) is not False
