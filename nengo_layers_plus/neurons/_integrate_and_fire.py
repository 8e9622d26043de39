"""Integrate-and-fire neurons, leaky or not, and the equations that they share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import nengo
from nengo.params import EnumParam

from nengo_layers_plus._declared import NeuronParameter, RealParam
from nengo_layers_plus.neurons._neuron_model import NeuronModel

VOLTAGE = nengo.dists.Uniform(low=0, high=1)
TAU_RC = NeuronParameter(0.02, unit="s", positive=True, trainable=True)
TAU_REF = NeuronParameter(0.002, unit="s", positive=True, allows_zero=True)
_THRESHOLD = NeuronParameter(1.0, positive=True)


def _leaky_membrane(xp: Any, dt: Any, current: Any, voltage: Any, tau: Any) -> Any:
    """
    Integrate ``tau dv/dt = current - v`` over a time interval, exactly for a constant current.

    Parameters
    ----------
    xp : NumPyNeurons or TensorFlowNeurons
        Mathematics.
    dt : float or array
        The length of the interval (s).
    current, voltage : array
        The current, and the voltage before.
    tau : float or array
        The time constant (s).
    """
    return voltage + (current - voltage) * -xp.expm1(-dt / tau)


def lif_rate(xp: Any, current: Any, tau_rc: Any, tau_ref: Any, threshold: Any = 1.0) -> Any:
    """
    Return the rate (Hz) of leaky integrate-and-fire neurons for a constant current.

    Parameters
    ----------
    xp : NumPyNeurons or TensorFlowNeurons
        Mathematics.
    current : array
        The current.
    tau_rc, tau_ref : float or array
        The time constant and the refractory period (s).
    threshold : float or array
        The voltage at which they fire.
    """
    above = current - threshold
    # below the threshold any finite value will do: xp.where drops it
    ratio = threshold / xp.where(above > 0, above, 1.0)
    return xp.where(above > 0, 1 / (tau_ref + tau_rc * xp.log1p(ratio)), 0.0)


def refractory_lif(
    xp: Any,
    dt: float,
    current: Any,
    voltage: Any,
    refractory_time: Any,
    tau_rc: Any,
    tau_ref: Any,
    min_voltage: float,
) -> tuple[Any, Any, Any]:
    """
    Advance leaky integrate-and-fire neurons with a refractory period, as `nengo.LIF` does.

    Within a step the membrane integrates for the part of the step after the refractory period, and
    the time of a spike is interpolated between steps.

    Parameters
    ----------
    xp : NumPyNeurons or TensorFlowNeurons
        Mathematics.
    dt : float
        The length of a step (s).
    current : array
        The current.
    voltage, refractory_time : array
        The state: the voltage, and the time until a neuron integrates again (s).
    tau_rc, tau_ref : float or array
        The time constant and the refractory period (s).
    min_voltage : float
        The lowest voltage.

    Returns
    -------
    spikes, voltage, refractory_time : array
        Spikes (0 or 1), and the new state.
    """
    refractory_time = refractory_time - dt
    time = xp.clip(dt - refractory_time, 0.0, dt)
    voltage = _leaky_membrane(xp, time, current, voltage, tau_rc)
    spikes = xp.spike(voltage - 1)
    fires = voltage > 1
    # the time from crossing the threshold to the end of the step
    above = current - 1
    overshoot = (voltage - 1) / xp.where(fires & (above != 0), above, 1.0)
    since = -tau_rc * xp.log1p(xp.where(fires, -overshoot, 0.0))
    refractory_time = xp.where(fires, tau_ref + dt - since, refractory_time)
    voltage = xp.maximum(voltage, min_voltage) * (1 - xp.reset(spikes))
    return spikes, voltage, refractory_time


def _after_spikes(xp: Any, voltage: Any, spikes: Any, threshold: Any, reset: str) -> Any:
    """
    Return the voltage after the reset by spikes.

    Parameters
    ----------
    xp : NumPyNeurons or TensorFlowNeurons
        Mathematics.
    voltage, spikes : array
        The voltage, and the result of ``xp.spike``.
    threshold : float or array
        The voltage at which neurons fire.
    reset : {"hard", "soft"}
        ``"hard"``: to 0, so that the excess over the threshold is lost. ``"soft"``: by the
        threshold, so that the excess is kept.
    """
    if reset == "hard":
        return voltage * (1 - xp.reset(spikes))
    return voltage - threshold * xp.reset(spikes)


class IntegrateAndFire(NeuronModel):
    r"""
    Integrate-and-fire neurons without a leak: the voltage is the sum of the input.

    .. math:: \frac{dv}{dt} = J

    A neuron fires where :math:`v \ge \theta`, at most once a step. Then :math:`v` is set to 0 by a
    hard reset, and lowered by :math:`\theta` by a soft one.

    Parameters
    ----------
    threshold : float or array_like
        :math:`\theta`, the voltage at which neurons fire.
    reset : {"soft", "hard"}
        How a spike resets the voltage. A soft reset keeps the excess over the threshold, so that
        the rate is exact in the long run; a hard one loses it.
    **kwargs
        Arguments of `.NeuronModel`.

    Notes
    -----
    The input is in Hz: with a threshold of 1 it is the rate. Up to one spike a step and for inputs
    that are not negative, a soft reset gives the numbers of `nengo.SpikingRectifiedLinear`. A
    negative input lowers the voltage, without a limit. The rate for a constant input is
    :math:`\max(J, 0) / \theta`.

    The argument of a surrogate is the distance from the threshold in units of the threshold.

    The model is that of Abbott, L. F. (1999), Lapicque's introduction of the integrate-and-fire
    model neuron (1907), Brain Research Bulletin 50(5-6). Both resets are compared by Rueckauer, B.,
    et al. (2017), Conversion of continuous-valued deep networks to efficient event-driven networks
    for image classification, Frontiers in Neuroscience 11:682.

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_layers_plus.neurons import IntegrateAndFire
    >>> neurons = IntegrateAndFire(threshold=2, reset="hard")
    >>> neurons
    IntegrateAndFire(threshold=2.0, reset='hard')
    >>> neurons.rates(np.array([[50.0]]), gain=[1], bias=[0])
    array([[25.]])
    """

    state = {"voltage": VOLTAGE}  # noqa: RUF012  as nengo declares it
    parameters: ClassVar[Mapping[str, NeuronParameter]] = {"threshold": _THRESHOLD}
    spiking = True
    negative = False
    reset = EnumParam("reset", default="soft", values=("soft", "hard"), readonly=True)

    def __init__(self, *, reset: str = "soft", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reset = reset

    def dynamics(self, xp: Any, dt: float, current: Any, voltage: Any, threshold: Any) -> Any:
        voltage = voltage + current * dt
        spikes = xp.spike(voltage / threshold - 1, inclusive=True)
        return spikes / dt, {"voltage": _after_spikes(xp, voltage, spikes, threshold, self.reset)}

    def rate_curve(self, xp: Any, current: Any, threshold: Any) -> Any:
        return xp.maximum(current, 0.0) / threshold


class LeakyIntegrateAndFire(NeuronModel):
    r"""
    Leaky integrate-and-fire neurons without a refractory period.

    .. math:: \tau_{rc} \frac{dv}{dt} = J - v

    A neuron fires where :math:`v > \theta`, at most once a step. Then :math:`v` is set to 0 by a
    hard reset, and lowered by :math:`\theta` by a soft one.

    Parameters
    ----------
    tau_rc : float or array_like
        Membrane time constant (s), trains.
    threshold : float or array_like
        :math:`\theta`, the voltage at which neurons fire.
    reset : {"hard", "soft"}
        How a spike resets the voltage.
    **kwargs
        Arguments of `.NeuronModel`.

    Notes
    -----
    The voltage has the unit of the input, and has no lower limit. It is integrated exactly for an
    input that is constant within a step. Spikes are in Hz: their mean is the rate, which for a
    constant input is

    .. math:: \frac{1}{\tau_{rc} \ln \frac{J}{J - \theta}}

    above the threshold, if it is well below one spike per step.

    The argument of a surrogate is the distance from the threshold in units of the threshold.

    The model is that of Gerstner, W., et al. (2014), Neuronal dynamics, Cambridge University Press,
    chapter 1. The form in which it is trained, with either reset, is described by Eshraghian, J.
    K., et al. (2023), Training spiking neural networks using lessons from deep learning,
    Proceedings of the IEEE 111(9).

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_layers_plus.neurons import LeakyIntegrateAndFire
    >>> neurons = LeakyIntegrateAndFire(tau_rc=0.03, reset="soft")
    >>> neurons
    LeakyIntegrateAndFire(tau_rc=0.03, reset='soft')
    >>> neurons.rates(np.array([[0.5], [1.5]]), gain=[1], bias=[0]).round(2)
    array([[ 0.  ],
           [30.34]])
    """

    state = {"voltage": VOLTAGE}  # noqa: RUF012  as nengo declares it
    parameters: ClassVar[Mapping[str, NeuronParameter]] = {
        "tau_rc": TAU_RC,
        "threshold": _THRESHOLD,
    }
    spiking = True
    negative = False
    reset = EnumParam("reset", default="hard", values=("hard", "soft"), readonly=True)

    def __init__(self, *, reset: str = "hard", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reset = reset

    def dynamics(
        self, xp: Any, dt: float, current: Any, voltage: Any, tau_rc: Any, threshold: Any
    ) -> Any:
        voltage = _leaky_membrane(xp, dt, current, voltage, tau_rc)
        spikes = xp.spike(voltage / threshold - 1)
        return spikes / dt, {"voltage": _after_spikes(xp, voltage, spikes, threshold, self.reset)}

    def rate_curve(self, xp: Any, current: Any, tau_rc: Any, threshold: Any) -> Any:
        return lif_rate(xp, current, tau_rc, 0.0, threshold)


class CurrentBasedLIF(NeuronModel):
    r"""
    Leaky integrate-and-fire neurons with an exponential synaptic current.

    .. math::

        \tau_{synapse} \frac{di}{dt} &= J - i \\
        \tau_{rc} \frac{dv}{dt} &= i - v

    A neuron fires where :math:`v > \theta`, at most once a step. Then :math:`v` is set to 0 by a
    hard reset, and lowered by :math:`\theta` by a soft one. The current :math:`i` is not reset.

    Parameters
    ----------
    tau_synapse : float or array_like
        Time constant of the synaptic current (s), trains.
    tau_rc : float or array_like
        Membrane time constant (s), trains.
    threshold : float or array_like
        :math:`\theta`, the voltage at which neurons fire.
    reset : {"hard", "soft"}
        How a spike resets the voltage.
    **kwargs
        Arguments of `.NeuronModel`.

    Notes
    -----
    In a step the synaptic current is updated first, and the membrane integrates its new value; both
    are integrated exactly for an input that is constant within a step. Unlike in models whose
    current jumps by the weight of a spike, the synapse has a gain of 1, like `nengo.Lowpass`: in
    the long run :math:`i` is the input. So the rate for a constant input is that of
    `.LeakyIntegrateAndFire`,

    .. math:: \frac{1}{\tau_{rc} \ln \frac{J}{J - \theta}}

    The argument of a surrogate is the distance from the threshold in units of the threshold.

    The source of the equations is Neftci, E. O., Mostafa, H., & Zenke, F. (2019), Surrogate
    gradient learning in spiking neural networks, IEEE Signal Processing Magazine 36(6).

    Examples
    --------
    >>> from nengo_layers_plus import Surrogate, surrogate
    >>> from nengo_layers_plus.neurons import CurrentBasedLIF
    >>> CurrentBasedLIF(tau_synapse=0.01).trainable_names
    ('tau_synapse', 'tau_rc')
    >>> Surrogate(CurrentBasedLIF(), surrogate.fast_sigmoid(5.0))
    Surrogate(CurrentBasedLIF(), surrogate.fast_sigmoid(steepness=5.0))
    """

    state = {  # noqa: RUF012  as nengo declares it
        "voltage": VOLTAGE,
        "synaptic_current": nengo.dists.Choice([0]),
    }
    parameters: ClassVar[Mapping[str, NeuronParameter]] = {
        "tau_synapse": NeuronParameter(0.005, unit="s", positive=True, trainable=True),
        "tau_rc": TAU_RC,
        "threshold": _THRESHOLD,
    }
    spiking = True
    negative = False
    reset = EnumParam("reset", default="hard", values=("hard", "soft"), readonly=True)

    def __init__(self, *, reset: str = "hard", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reset = reset

    def dynamics(
        self,
        xp: Any,
        dt: float,
        current: Any,
        voltage: Any,
        synaptic_current: Any,
        tau_synapse: Any,
        tau_rc: Any,
        threshold: Any,
    ) -> Any:
        synaptic_current = _leaky_membrane(xp, dt, current, synaptic_current, tau_synapse)
        voltage = _leaky_membrane(xp, dt, synaptic_current, voltage, tau_rc)
        spikes = xp.spike(voltage / threshold - 1)
        return spikes / dt, {
            "voltage": _after_spikes(xp, voltage, spikes, threshold, self.reset),
            "synaptic_current": synaptic_current,
        }

    def rate_curve(self, xp: Any, current: Any, tau_rc: Any, threshold: Any) -> Any:
        return lif_rate(xp, current, tau_rc, 0.0, threshold)


class TrainableLIF(NeuronModel):
    r"""
    `nengo.LIF`, with a time constant and a refractory period that can train.

    .. math:: \tau_{rc} \frac{dv}{dt} = J - v

    A neuron fires where :math:`v > 1`; then :math:`v` is 0 for :math:`\tau_{ref}`.

    Parameters
    ----------
    tau_rc : float or array_like
        Membrane time constant (s), trains.
    tau_ref : float or array_like
        Refractory period (s).
    min_voltage : float
        The lowest voltage.
    **kwargs
        Arguments of `.NeuronModel`.

    Notes
    -----
    The voltage and the spikes are those of `nengo.LIF`. The source of the equations is Koch, C.
    (1999), Biophysics of computation, Oxford University Press.

    Examples
    --------
    >>> from nengo_layers_plus.neurons import TrainableLIF
    >>> TrainableLIF(tau_rc=0.03, trainable=["tau_rc", "tau_ref"]).trainable_names
    ('tau_rc', 'tau_ref')
    """

    state = {  # noqa: RUF012  as nengo declares it
        "voltage": VOLTAGE,
        "refractory_time": nengo.dists.Choice([0]),
    }
    parameters: ClassVar[Mapping[str, NeuronParameter]] = {
        "tau_rc": TAU_RC,
        "tau_ref": TAU_REF,
    }
    spiking = True
    negative = False
    min_voltage: Any = RealParam("min_voltage", default=0, high=0, readonly=True)

    def __init__(self, *, min_voltage: float = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.min_voltage = min_voltage

    def dynamics(
        self,
        xp: Any,
        dt: float,
        current: Any,
        voltage: Any,
        refractory_time: Any,
        tau_rc: Any,
        tau_ref: Any,
    ) -> Any:
        spikes, voltage, refractory_time = refractory_lif(
            xp, dt, current, voltage, refractory_time, tau_rc, tau_ref, self.min_voltage
        )
        return spikes / dt, {"voltage": voltage, "refractory_time": refractory_time}

    def rate_curve(self, xp: Any, current: Any, tau_rc: Any, tau_ref: Any) -> Any:
        return lif_rate(xp, current, tau_rc, tau_ref)


class LeakyIntegrator(NeuronModel):
    r"""
    Neurons that do not fire: the output is the voltage. They read out spikes.

    .. math:: \tau \frac{dv}{dt} = J - v

    As a last layer they turn spikes into values that vary smoothly, with a time constant that
    trains, on request one per neuron.

    Parameters
    ----------
    tau : float or array_like
        Time constant (s), trains.
    **kwargs
        Arguments of `.NeuronModel`.

    Notes
    -----
    The output has the unit of the input, and can be negative. It is integrated exactly for an input
    that is constant within a step, and has the numbers of ``nengo.Lowpass(tau)``. For a constant
    input the output is the input in the long run.

    Such a read-out is used by Neftci, E. O., Mostafa, H., & Zenke, F. (2019), Surrogate gradient
    learning in spiking neural networks, IEEE Signal Processing Magazine 36(6).

    Examples
    --------
    >>> from nengo_layers_plus.neurons import LeakyIntegrator
    >>> LeakyIntegrator(tau=0.05, per_neuron=True)
    LeakyIntegrator(tau=0.05, per_neuron=True)
    >>> LeakyIntegrator().trainable_names
    ('tau',)
    """

    state = {"voltage": nengo.dists.Choice([0])}  # noqa: RUF012  as nengo declares it
    parameters: ClassVar[Mapping[str, NeuronParameter]] = {
        "tau": NeuronParameter(0.02, unit="s", positive=True, trainable=True)
    }
    negative = True

    def dynamics(self, xp: Any, dt: float, current: Any, voltage: Any, tau: Any) -> Any:
        voltage = _leaky_membrane(xp, dt, current, voltage, tau)
        return voltage, {"voltage": voltage}

    def rate_curve(self, xp: Any, current: Any) -> Any:
        return current


class SpikingRectifiedLinearModel(NeuronModel):
    """
    `nengo.SpikingRectifiedLinear` and `nengo_dl.SpikingLeakyReLU`, with several spikes per step.

    Parameters
    ----------
    negative_slope : float
        The slope of the response to currents below 0.
    **kwargs
        Arguments of `.NeuronModel`.
    """

    state = {"voltage": VOLTAGE}  # noqa: RUF012  as nengo declares it
    spiking = True
    negative_slope: Any = RealParam("negative_slope", default=0, low=0, readonly=True)

    def __init__(self, *, negative_slope: float = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.negative_slope = negative_slope

    def dynamics(self, xp: Any, dt: float, current: Any, voltage: Any) -> Any:
        voltage = voltage + self.rate_curve(xp, current) * dt
        spikes = xp.spike_count(voltage)
        if self.negative_slope:
            # rounded towards 0: negative voltages give negative spikes
            spikes = spikes + xp.where(voltage < 0, 1.0, 0.0)
        return spikes / dt, {"voltage": voltage - xp.reset(spikes)}

    def rate_curve(self, xp: Any, current: Any) -> Any:
        rate = xp.maximum(current, 0.0)
        if self.negative_slope:
            rate = rate - self.negative_slope * xp.maximum(-current, 0.0)
        return rate


class RegularSpikingModel(NeuronModel):
    """
    `nengo.RegularSpiking`, whose input is a rate (Hz), with several spikes per step.

    Parameters
    ----------
    **kwargs
        Arguments of `.NeuronModel`.
    """

    state = {"voltage": VOLTAGE}  # noqa: RUF012  as nengo declares it
    spiking = True

    def dynamics(self, xp: Any, dt: float, current: Any, voltage: Any) -> Any:
        voltage = voltage + current * dt
        spikes = xp.spike_count(voltage)
        return spikes / dt, {"voltage": voltage - xp.reset(spikes)}

    def rate_curve(self, xp: Any, current: Any) -> Any:
        return current
