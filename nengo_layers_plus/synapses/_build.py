"""Builds filters whose time constant trains into the models of nengo and nengo_dl."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from nengo.builder import Builder, Signal
from nengo.builder.processes import build_process
from nengo.exceptions import ValidationError

from nengo_layers_plus._declared import ParameterSignal
from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.synapses._owner import may_train, owner_of
from nengo_layers_plus.synapses._sim_trainable_filter import SimTrainableFilter
from nengo_layers_plus.synapses._time_constant import TAU, TimeConstants
from nengo_layers_plus.synapses._trainable_filter import TrainableFilter

# With so few time constants in a step, a filter passes its input on.
_TOO_FAST = 0.03


@Builder.register(TrainableFilter)  # type: ignore[untyped-decorator]
def build_filter(
    model: Any,
    synapse: TrainableFilter,
    sig_in: Signal | None = None,
    sig_out: Signal | None = None,
    mode: str = "set",
) -> Signal:
    """
    Build a filter for nengo, where nothing trains.

    Parameters
    ----------
    model, synapse, sig_in, sig_out, mode
        See `build_trainable_filter`.
    """
    _check(synapse, sig_in, owner_of(model, synapse, mode, sig_out))
    return build_process(model, synapse, sig_in, sig_out, mode)


@nengo_dl.builder.NengoBuilder.register(TrainableFilter)  # type: ignore[untyped-decorator]
def build_trainable_filter(
    model: Any,
    synapse: TrainableFilter,
    sig_in: Signal | None = None,
    sig_out: Signal | None = None,
    mode: str = "set",
) -> Signal:
    """
    Build a filter for nengo_dl.

    The free numbers of its time constants are the signal ``model.sig[owner]["tau"]`` of the
    connection, probe or node that it belongs to.

    Parameters
    ----------
    model : nengo_dl.builder.NengoModel
        The model to build into.
    synapse : TrainableFilter
        The synapse.
    sig_in, sig_out : nengo.builder.Signal, optional
        Its input and output.
    mode : {"set", "inc", "update"}
        See `.SimTrainableFilter`.

    Returns
    -------
    output : nengo.builder.Signal
        Its output.
    """
    owner = owner_of(model, synapse, mode, sig_out)
    _check(synapse, sig_in, owner)
    assert sig_in is not None
    output = sig_out
    if output is None:
        output = Signal(shape=sig_in.shape, name=f"{sig_in.name}.{synapse}")
    name = sig_in.name if owner is None else owner
    values = synapse.values_for(output.shape)
    if synapse.trainable and owner is None:
        warnings.warn(
            f"{synapse} filters {sig_in.name}, and belongs to no connection, probe or node; its "
            "time constant does not train there. What to do: use trainable=False",
            stacklevel=2,
        )
    trains = synapse.trainable and owner is not None and may_train(model, owner)
    if trains and values.min() <= _TOO_FAST * model.dt:
        warnings.warn(
            f"{synapse} of {owner}: a time constant of {values.min()} s can't train with steps of "
            f"{model.dt} s, for its filter passes its input on. What to do: let it start from more "
            f"than {_TOO_FAST * model.dt} s, or use trainable=False",
            stacklevel=2,
        )
    tau = ParameterSignal(TimeConstants(values, TAU), trains, f"{name}.tau", output.dtype, "tau")
    if owner is not None:
        model.sig[owner]["tau"] = tau
    # an output that is updated is kept anyway
    n_own = synapse.n_stages - (mode == "update")
    stages = [
        Signal(np.zeros(output.shape, output.dtype), name=f"{name}.stage{index}")
        for index in range(n_own)
    ]
    if mode == "update":
        stages.append(output)
    model.add_op(SimTrainableFilter(synapse, sig_in, output, tau, stages, mode))
    return output


def _check(synapse: TrainableFilter, sig_in: Signal | None, owner: Any) -> None:
    """Raise if a filter can't be built for a signal."""
    if sig_in is None:
        raise ValidationError(
            f"expected an input to filter, got none for {owner}. What to do: give size_in and "
            "size_out to the node",
            attr="size_in",
            obj=synapse,
        )
    synapse.values_for(sig_in.shape, owner)
