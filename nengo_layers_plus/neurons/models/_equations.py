"""Equations that several models share, as pure functions of arrays in a namespace."""

from __future__ import annotations

from typing import Any


def leaky_membrane(xp: Any, dt: Any, current: Any, voltage: Any, tau: Any) -> Any:
    """
    Integrate ``tau dv/dt = current - v`` over a time, exactly for a constant current.

    Parameters
    ----------
    xp : NumPyNeurons or TensorFlowNeurons
        Mathematics.
    dt : float or array
        The time (s).
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
    # below the threshold anything that is finite will do, as it is not taken
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

    Within a step the membrane integrates for the time that is left of it behind the refractory
    period, and the time of a spike is found between steps.

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
        Whether they fire, and the new state.
    """
    refractory_time = refractory_time - dt
    time = xp.clip(dt - refractory_time, 0.0, dt)
    voltage = leaky_membrane(xp, time, current, voltage, tau_rc)
    spikes = xp.spike(voltage - 1)
    fires = voltage > 1
    # the time from crossing the threshold to the end of the step
    above = current - 1
    overshoot = (voltage - 1) / xp.where(fires & (above != 0), above, 1.0)
    since = -tau_rc * xp.log1p(xp.where(fires, -overshoot, 0.0))
    refractory_time = xp.where(fires, tau_ref + dt - since, refractory_time)
    voltage = xp.maximum(voltage, min_voltage) * (1 - xp.reset(spikes))
    return spikes, voltage, refractory_time


def after_spikes(xp: Any, voltage: Any, spikes: Any, threshold: Any, reset: str) -> Any:
    """
    Return what spikes leave of a voltage.

    Parameters
    ----------
    xp : NumPyNeurons or TensorFlowNeurons
        Mathematics.
    voltage, spikes : array
        The voltage, and what ``xp.spike`` has made of it.
    threshold : float or array
        The voltage at which neurons fire.
    reset : {"hard", "soft"}
        ``"hard"``: 0, so that what was above the threshold is lost. ``"soft"``: the voltage less
        the threshold.
    """
    if reset == "hard":
        return voltage * (1 - xp.reset(spikes))
    return voltage - threshold * xp.reset(spikes)
