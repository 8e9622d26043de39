"""A lowpass filter whose time constant trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nengo

from nengo_layers_plus.synapses._trainable_filter import TrainableFilter


class TrainableLowpass(TrainableFilter, nengo.Lowpass):
    r"""
    A lowpass synapse whose time constant an optimiser moves.

    It is used wherever nengo takes a synapse, and filters as `nengo.Lowpass` does,

    .. math:: \tau \frac{dy}{dt} = u - y, \qquad
       y_k = e^{-dt/\tau} \, y_{k-1} + (1 - e^{-dt/\tau}) \, u_k,

    with the input :math:`u`, held still within a step, and the output :math:`y`. In
    `nengo_dl.Simulator` and `.Simulator`, ``fit`` moves :math:`\tau`, and gradients go through the
    filter, back in time.

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
        If ``tau`` is not above 0, and, when the network is built, if an array has another size
        than what is filtered.

    Warns
    -----
    UserWarning
        When the network is built for nengo_dl, if a time constant that should train is at most
        0.03 steps: then it passes its input on, and no gradient comes to it.

    Notes
    -----
    What trains is :math:`\theta` in :math:`\tau = \tau_0 e^\theta`, so that :math:`\tau` stays
    above 0, and equal steps of the optimiser are equal factors. At first :math:`\theta` is 0.

    Where one object is the synapse of several connections, each has a :math:`\tau` of its own
    that starts from the same values.

    Nothing trains where nengo_dl is told so: by ``inference_only``, or by ``trainable`` in the
    network's configuration, for connections or for one, as `nengo_dl.Layer` sets it. What
    `.CustomLayer` sets for its connections is about their weights, and not about synapses. In
    learning rules it does not train.

    Examples
    --------
    >>> import nengo
    >>> import numpy as np
    >>> import tensorflow as tf
    >>> from nengo_layers_plus import nengo_dl
    >>> from nengo_layers_plus.synapses import TrainableLowpass
    >>> with nengo.Network(seed=0) as net:
    ...     source = nengo.Node([0.0])
    ...     fast = nengo.Probe(source, synapse=nengo.Lowpass(0.005))
    ...     probe = nengo.Probe(source, synapse=TrainableLowpass(0.02))
    >>> x = {source: np.ones((1, 30, 1))}
    >>> with nengo_dl.Simulator(net, progress_bar=False) as sim:
    ...     y = {probe: sim.predict(x, verbose=0)[fast]}
    ...     sim.compile(optimizer=tf.optimizers.Adam(0.1), loss={probe: "mse"})
    ...     history = sim.fit(x, y, epochs=60, verbose=0, stateful=False)
    >>> losses = history.history["loss"]
    >>> bool(losses[-1] < losses[0] / 100)
    True
    """

    n_stages = 1

    @staticmethod
    def coefficients(xp: Any, ratio: Any) -> tuple[Any, ...]:
        """Return what is left of the output after a step, and what is taken of the input."""
        return xp.exp(-ratio), -xp.expm1(-ratio)

    @staticmethod
    def advance(signal: Any, stages: Sequence[Any], *coefficients: Any) -> tuple[Any, ...]:
        """Advance by one step."""
        (output,) = stages
        kept, taken = coefficients
        return (output * kept + signal * taken,)

    def denominator(self, tau: float) -> list[float]:
        """Return the denominator of the transfer function."""
        return [tau, 1.0]
