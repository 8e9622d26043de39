"""Builds filters whose time constant trains: functions for nengo and nengo_dl, and the operator."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import nengo
import numpy as np
from nengo.builder import Builder, Signal
from nengo.builder.operator import Operator
from nengo.builder.processes import build_process
from nengo.exceptions import ValidationError

from nengo_layers_plus._declared import (
    NumPyNamespace,
    ParameterSignal,
    Positive,
    TensorFlowNamespace,
    join,
)
from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.graph import may_train
from nengo_layers_plus.synapses._filters import TAU, TrainableFilter

# In steps: with a shorter time constant the filter passes its input on unchanged.
_SHORTEST = 0.03


class SimTrainableFilter(Operator):
    """
    Filters a signal by one step, with a time constant that may train.

    Parameters
    ----------
    synapse : TrainableFilter
        The synapse.
    input, output : nengo.builder.Signal
        The input and output.
    tau : ParameterSignal
        The free numbers of the time constants.
    stages : sequence of nengo.builder.Signal
        The state variables, the last of which is the output. In mode "update" that is ``output``
        itself.
    mode : {"update", "set", "inc"}
        Whether other operators see the output one step later, or in the same step, by itself or
        added to the outputs of others.
    """

    def __init__(
        self,
        synapse: TrainableFilter,
        input: Signal,
        output: Signal,
        tau: ParameterSignal,
        stages: Sequence[Signal],
        mode: str,
    ) -> None:
        super().__init__(tag=f"{synapse}")
        self.synapse = synapse
        self.mode = mode
        self.reads = [input, tau]
        self.sets = [output] if mode == "set" else []
        self.incs = [output] if mode == "inc" else []
        self.updates = list(stages)

    @property
    def input(self) -> Signal:
        """The input."""
        return self.reads[0]

    @property
    def tau(self) -> ParameterSignal:
        """The free numbers of the time constants."""
        return self.reads[1]

    @property
    def stages(self) -> list[Signal]:
        """The state variables."""
        return list(self.updates)

    @property
    def output(self) -> Signal:
        """The output."""
        return (self.sets or self.incs or self.updates[-1:])[0]

    @property
    def _descstr(self) -> str:
        return f"{self.synapse}, {self.input} -> {self.output}"

    def make_step(self, signals: Any, dt: float, rng: Any) -> Callable[[], None]:
        """
        Make a function that runs a step in NumPy; see `nengo.builder.operator.Operator`.

        Parameters
        ----------
        signals : nengo.builder.signal.SignalDict
            The arrays.
        dt : float
            The length of a step (s).
        rng : np.random.RandomState
            Not used.
        """
        source, target, tau = signals[self.input], signals[self.output], signals[self.tau]
        stages = [signals[stage] for stage in self.stages]
        xp = NumPyNamespace(target.dtype)
        time_constants: Any = self.tau.reparametrisation

        def step() -> None:
            ratio = time_constants.ratio(xp, tau, dt)
            if ratio.size > 1:
                ratio = ratio.reshape(target.shape)
            coefficients = self.synapse.coefficients(xp, ratio)
            new = self.synapse.advance(np.copy(source), stages, *coefficients)
            for stage, value in zip(stages, new, strict=True):
                stage[...] = value
            if self.mode == "set":
                target[...] = new[-1]
            elif self.mode == "inc":
                target[...] += new[-1]

        return step


@nengo_dl.builder.Builder.register(SimTrainableFilter)
class TrainableFilterBuilder(nengo_dl.builder.OpBuilder):
    """Builds a group of `SimTrainableFilter` operators."""

    ops: Any

    def build_pre(self, signals: Any, config: Any) -> None:
        """Prepare; see `nengo_dl.builder.OpBuilder`."""
        super().build_pre(signals, config)
        ops = self.ops
        self.synapse = ops[0].synapse
        self.dt = float(signals.dt_val)
        self.xp = TensorFlowNamespace(signals.dtype)
        self.input_data = signals.combine([op.input for op in ops])
        self.output_data = signals.combine([op.output for op in ops])
        self.stage_data = [
            signals.combine([op.stages[index] for op in ops])
            for index in range(self.synapse.n_stages)
        ]
        taus = [op.tau for op in ops]
        self.tau_data = signals.combine(taus)
        self.time_constants: Any
        self.time_constants, self.index = join(taus, [op.output.size for op in ops])

    def build_step(self, signals: Any) -> None:
        """Build a step; see `nengo_dl.builder.OpBuilder`."""
        free = signals.gather(self.tau_data)
        ratio = self.time_constants.ratio(self.xp, free, self.dt)
        coefficients = self.synapse.coefficients(self.xp, ratio)
        if self.index is not None:
            coefficients = [tf.gather(value, self.index) for value in coefficients]
        if self.index is not None or ratio.shape[0] > 1:
            shape = self.output_data.shape
            coefficients = [tf.reshape(value, shape) for value in coefficients]
        stages = [signals.gather(place) for place in self.stage_data]
        new = self.synapse.advance(signals.gather(self.input_data), stages, *coefficients)
        for place, value in zip(self.stage_data, new, strict=True):
            signals.scatter(place, value)
        mode = self.ops[0].mode
        if mode != "update":
            signals.scatter(self.output_data, new[-1], mode="inc" if mode == "inc" else "update")

    @staticmethod
    def mergeable(x: SimTrainableFilter, y: SimTrainableFilter) -> bool:
        """Say whether two operators can be computed as one."""
        return type(x.synapse) is type(y.synapse) and x.mode == y.mode


@Builder.register(TrainableFilter)  # type: ignore[untyped-decorator]
def build_filter(
    model: Any,
    synapse: TrainableFilter,
    sig_in: Signal | None = None,
    sig_out: Signal | None = None,
    mode: str = "set",
) -> Signal:
    """
    Build a filter for nengo.

    Parameters
    ----------
    model, synapse, sig_in, sig_out, mode
        See `build_trainable_filter`.
    """
    _check(synapse, sig_in, _owner_of(model, synapse, mode, sig_out))
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

    The free numbers of its time constants are the signal ``model.sig[owner]["tau"]`` of its owner:
    a connection, probe or node.

    Parameters
    ----------
    model : nengo_dl.builder.NengoModel
        The model to build into.
    synapse : TrainableFilter
        The synapse.
    sig_in, sig_out : nengo.builder.Signal, optional
        The input and output.
    mode : {"set", "inc", "update"}
        See `.SimTrainableFilter`.

    Returns
    -------
    output : nengo.builder.Signal
        The output.
    """
    owner = _owner_of(model, synapse, mode, sig_out)
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
    if trains and values.min() <= _SHORTEST * model.dt:
        warnings.warn(
            f"{synapse} of {owner}: a time constant of {values.min()} s can't train with steps of "
            f"{model.dt} s, for its filter passes its input on. What to do: let it start from more "
            f"than {_SHORTEST * model.dt} s, or use trainable=False",
            stacklevel=2,
        )
    tau = ParameterSignal(Positive(values, TAU), trains, f"{name}.tau", output.dtype, "tau")
    if owner is not None:
        model.sig[owner]["tau"] = tau
    stages = [
        Signal(np.zeros(output.shape, output.dtype), name=f"{name}.stage{index}")
        for index in range(synapse.n_stages)
    ]
    if mode == "update":
        stages[-1] = output  # a state itself
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


def _owner_of(model: Any, synapse: Any, mode: str, output: Signal | None) -> Any:
    """
    Return the object of a network whose synapse is being built.

    nengo does not pass it. Of the objects with this synapse, it is the one whose build has begun,
    and that has no signal yet for the output of the synapse.

    Parameters
    ----------
    model : nengo.builder.Model
        The model to build into.
    synapse : nengo.synapses.Synapse
        The synapse.
    mode : str
        The mode of the operator.
    output : nengo.builder.Signal or None
        The given output.

    Returns
    -------
    owner : nengo.Connection, nengo.Probe, nengo.Node or None
        None for others, such as a learning rule.
    """
    if mode == "update":
        for obj in reversed(model.sig):  # the object begun last is the last
            signals = model.sig[obj]
            if getattr(obj, "synapse", None) is not synapse:
                continue
            if isinstance(obj, nengo.Connection) and "weights" in signals:
                if "weighted" not in signals:
                    # a probe of decoded output makes a connection to itself
                    return obj.post_obj if isinstance(obj.post_obj, nengo.Probe) else obj
            elif isinstance(obj, nengo.Probe) and "in" in signals and "filtered" not in signals:
                return obj
    elif output is not None and model.toplevel is not None:
        for node in model.toplevel.all_nodes:  # in the order in which they are built
            if node.output is synapse and node not in model.params:
                return node
    return None
