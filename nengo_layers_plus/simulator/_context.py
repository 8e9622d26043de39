"""What operators are lowered for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nengo_layers_plus.simulator._operator_builders import OperatorBuilders


@dataclass(frozen=True)
class Context:
    """What operators are lowered for.

    Parameters
    ----------
    training : bool
        Whether the network is trained, else it is simulated.
    config : nengo_dl.builder.BuildConfig
        What builders of nengo_dl are told.
    batch : int
        The size of the minibatch.
    dt : float
        The length of a step (s).
    dtype : tf.DType
        The type of numbers.
    on_cpu : bool
        Whether there is no GPU to run on.
    shares_still_inputs : bool
        Whether what depends on inputs that stand still may be computed once for all steps. Nobody
        may ask for gradients of the inputs then: they would be those of the first step.
    uses_series : bool
        Whether LIF neurons start from a state that lets them use series (`_lif.starts_regularly`).
    writes_state : bool
        Whether the state of the simulation is kept for the next call.
    kernels : dict
        The loops that were compiled so far.
    effects : dict
        What functions of TensorNodes do besides returning a result, as far as it is known.
    builders : OperatorBuilders
        Makes builders of nengo_dl for single operators.
    checks_numerics : bool
        Whether all numbers are checked to be finite.
    """

    training: bool
    config: Any
    batch: int
    dt: float
    dtype: Any
    on_cpu: bool
    shares_still_inputs: bool
    uses_series: bool
    writes_state: bool
    kernels: dict[Any, Any]
    effects: dict[Any, Any]
    builders: OperatorBuilders
    checks_numerics: bool = False
