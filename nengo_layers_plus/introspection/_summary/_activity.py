"""What the neurons of a layer did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Activity:
    r"""
    What the neurons of a layer did while data was run.

    Parameters
    ----------
    mean_rate : float
        Firing rate (Hz), the mean over neurons, steps and items. A neuron of amplitude :math:`A`
        that puts out :math:`y` fires at the rate :math:`|y| / A`; a spike lasts one step, in which
        :math:`y = A / dt`.
    max_rate : float
        The greatest firing rate (Hz) of a neuron in an item, the mean over the steps.
    silent : float
        Share of neurons that put out nothing in any step of any item, from 0 to 1.
    saturated : float or None
        Share of neurons whose rate, the mean over steps and items, is within 5 % of the greatest
        that there is, ``1 / tau_ref``. None for a type of neurons without a refractory period.
    spikes : float or None
        Spikes of all neurons in a step of an item. None for neurons that put out rates.
    synaptic_operations : float
        Synaptic operations in a step of an item: spikes times the connections that each of them
        goes over. Neurons that put out rates are counted as if they fired at these rates.
    not_counted : tuple of str
        Names of objects behind the neurons whose connections are not known, such as functions, and
        are not in that number.

    Notes
    -----
    Synaptic operations are those of ``keras_spiking.ModelEnergy`` (KerasSpiking 0.3.0). They are
    the number of connections from all inputs of a layer to its units, times the mean firing rate of
    the inputs, times the length of a step. The connections of a Dense or convolutional Keras layer
    are its multiplications for one input, and those of a transform of nengo its weights. A decoded
    connection has one for each decoded value and neuron. Layers that only move or average values
    (Flatten, pooling) have none, and what follows them is counted. What follows the first weights
    does not get spikes and is not counted.
    """

    mean_rate: float
    max_rate: float
    silent: float
    saturated: float | None
    spikes: float | None
    synaptic_operations: float
    not_counted: tuple[str, ...] = ()
