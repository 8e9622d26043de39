"""An alpha filter whose time constant trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nengo

from nengo_layers_plus.synapses._trainable_filter import TrainableFilter


class TrainableAlpha(TrainableFilter, nengo.Alpha):
    r"""
    An alpha synapse whose time constant an optimiser moves.

    It is used wherever nengo takes a synapse, and filters as `nengo.Alpha` does: with the impulse
    response :math:`\frac{t}{\tau^2} e^{-t/\tau}`, which is that of two lowpass filters in series,

    .. math:: \tau \frac{dx}{dt} = u - x, \qquad \tau \frac{dy}{dt} = x - y,

    with the input :math:`u`, held still within a step, and the output :math:`y`. With
    :math:`a = e^{-dt/\tau}` a step is, exactly,

    .. math::
       x_k &= a \, x_{k-1} + (1 - a) \, u_k, \\
       y_k &= a \, y_{k-1} + (1 - a) \, u_k + a \frac{dt}{\tau} (x_{k-1} - u_k).

    Parameters
    ----------
    tau : float or array_like
        The time constant (s), above 0: a number, which all units share, or an array with one for
        each unit, which is flattened. A unit is a dimension of what is filtered.
    per_unit : bool, optional
        Whether each unit has a time constant of its own, also if they start from the same number.
        By default if ``tau`` is an array.
    trainable : bool
        Whether an optimiser moves it.
    **kwargs
        Arguments of `nengo.synapses.Synapse`.

    Raises
    ------
    nengo.exceptions.ValidationError
        As for `.TrainableLowpass`, whose notes on training hold here too.

    Warns
    -----
    UserWarning
        As for `.TrainableLowpass`.

    Examples
    --------
    >>> import nengo
    >>> import numpy as np
    >>> from nengo_layers_plus import nengo_dl
    >>> from nengo_layers_plus.synapses import TrainableAlpha
    >>> with nengo.Network(seed=0) as net:
    ...     source = nengo.Node([1.0, 1.0])
    ...     fast_and_slow = nengo.Probe(source, synapse=TrainableAlpha([0.002, 0.02]))
    ...     fast = nengo.Probe(source[0], synapse=nengo.Alpha(0.002))
    >>> with nengo_dl.Simulator(net, progress_bar=False) as sim:
    ...     sim.run_steps(10)
    >>> np.allclose(sim.data[fast_and_slow][:, :1], sim.data[fast], atol=1e-5)
    True
    >>> [round(float(value), 2) for value in sim.data[fast_and_slow][-1]]
    [0.94, 0.08]
    """

    n_stages = 2

    @staticmethod
    def coefficients(xp: Any, ratio: Any) -> tuple[Any, ...]:
        """Return what is left of a stage, what is taken of the input, and what passes between."""
        kept = xp.exp(-ratio)
        return kept, -xp.expm1(-ratio), kept * ratio

    @staticmethod
    def advance(signal: Any, stages: Sequence[Any], *coefficients: Any) -> tuple[Any, ...]:
        """Advance by one step."""
        stage, output = stages
        kept, taken, passed = coefficients
        driven = signal * taken
        return stage * kept + driven, output * kept + driven + (stage - signal) * passed

    def denominator(self, tau: float) -> list[float]:
        """Return the denominator of the transfer function."""
        return [tau**2, 2 * tau, 1.0]
