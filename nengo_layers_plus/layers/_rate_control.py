"""Control of how fast neurons fire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import nengo
import numpy as np

from nengo_layers_plus._declared import as_count, as_number, as_numbers, as_range, as_text
from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.layers._base_layer import undo_of_call
from nengo_layers_plus.layers._blocks import Block, as_layer
from nengo_layers_plus.layers._errors import LayerError
from nengo_layers_plus.layers._layer_call import LayerContext, LayerParts
from nengo_layers_plus.layers._trainable import fix_setting


class RateControl(Block):
    """
    A layer of neurons, or several, that are trained to fire at certain rates.

    It adds a hidden probe to each layer of neurons, and has a loss for it, which is 0 where the
    mean rate of each neuron is in the range that is asked for.

    Parameters
    ----------
    layer : nengo.neurons.NeuronType, CustomLayer or list
        What it controls: neurons, a layer with neurons in it, or a stack of layers.
    rate_target : float or tuple of float
        The firing rate (Hz), or the lowest and the highest that is welcome.
    weight : float
        Weight of the loss, 0 or more: the mean, over neurons, of the squared distance to the range
        in Hz times this.
    **kwargs
        Arguments of `.Block`: ``ensemble_kwargs``, ``synapse``, ``trainable``, ``label`` and
        ``subnetwork``.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the layer, range or weight is none, or when it is called, if there are no neurons in the
        layer.

    See Also
    --------
    FiringRates : the report of the rates

    Notes
    -----
    Rates are averages over the minibatch and over time, computed from what the neurons put out,
    so that a loss of any Simulator's ``fit`` can use them: ``losses`` and ``targets`` are merged
    into its own, as in the example. A spiking neuron that nengo_dl trains through its rate curve
    is trained by that rate.

    The hidden probes record all steps, whatever ``nengo_dl.configure_settings(keep_history=...)``
    says of other probes.

    A neuron that is silent for all samples has no gradient, as far as its rate curve is flat
    there: choose rates and a learning rate at which neurons start to fire and do not fall silent,
    or a smooth neuron type such as `nengo_dl.SoftLIFRate`.

    Examples
    --------
    >>> import nengo
    >>> import numpy as np
    >>> import tensorflow as tf
    >>> from nengo_layers_plus import RateControl, Sequential, TunedNeurons, nengo_dl
    >>> neurons = TunedNeurons(nengo.LIF(), max_rates=100, intercepts=0, amplitude=0.01)
    >>> control = RateControl(neurons, rate_target=(20, 40), weight=0.01)
    >>> with nengo.Network(seed=0) as net:
    ...     image = nengo.Node(np.ones(4))
    ...     output = Sequential([control, tf.keras.layers.Dense(1)])(image)
    ...     probe = nengo.Probe(output)
    >>> with nengo_dl.Simulator(net, progress_bar=False) as sim:
    ...     before = sim.predict(n_steps=500, verbose=0)
    ...     sim.compile(tf.optimizers.Adam(0.05), loss={probe: "mse", **control.losses(net)})
    ...     targets = {probe: np.ones((1, 1, 1)), **control.targets(net, n_samples=1)}
    ...     _ = sim.fit(n_steps=1, y=targets, epochs=100, verbose=0)
    ...     after = sim.predict(n_steps=500, verbose=0)
    >>> print(control.firing_rates(before)[0])  # doctest: +ELLIPSIS
    tuned_neurons: mean 100.0 Hz, median 100.0 Hz, ...
    >>> control.firing_rates(after)[0].in_target
    1.0
    """

    # so that parameters have the same names with and without it
    _hands_label_on: ClassVar[bool] = True

    def __init__(self, layer: Any, rate_target: Any, weight: float = 1e-3, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.rate_target = rate_target
        self.weight = weight
        self.layer = as_layer(layer)
        _ = self._bounds, self._weight  # which raise if they are none

    @property
    def name(self) -> str:
        """How it is called in a `.Sequential`: as the layer within."""
        return self.layer.name if self.label is None else self.label

    def make_output(self, context: LayerContext) -> Any:
        """Call the layer that is controlled."""
        return self.layer(context.input, **context.connection_arguments)

    def on_built(self, parts: LayerParts) -> None:
        """Add the hidden probes."""
        ensembles = [leaf.ensemble for leaf in parts.leaves if leaf.ensemble is not None]
        if not ensembles:
            raise LayerError("there are no neurons to control", attr="layer")
        probes = []
        for ensemble in ensembles:
            # neither a filter nor steps left out, whatever the network has for other probes
            label = f"{ensemble.label or 'neurons'}/rates"
            probe = nengo.Probe(ensemble.neurons, sample_every=None, synapse=None, label=label)
            probes.append(probe)
            # any network may be the one at the top, whose configuration alone nengo_dl asks
            for network in nengo.Network.context:
                fix_setting(network.config, probe, "keep_history", True, undo_of_call())
        parts.added["rate_probes"] = probes

    def losses(self, network: nengo.Network | nengo_dl.Simulator) -> dict[nengo.Probe, RateLoss]:
        """
        Return the loss for each hidden probe in a network, for ``sim.compile(loss={...})``.

        Parameters
        ----------
        network : nengo.Network or nengo_dl.Simulator
            The network that is trained.

        Raises
        ------
        nengo.exceptions.ValidationError
            If the layer was not called in it, or if the network keeps the last step alone of what
            the hidden probes record.
        """
        probes = self._probes_in(network)
        self._check_history(network, probes)
        return {
            probe: RateLoss(*self._bounds, amplitude=_amplitude(probe), weight=self._weight)
            for probe in probes
        }

    def targets(
        self, network: nengo.Network | nengo_dl.Simulator, n_samples: int
    ) -> dict[nengo.Probe, np.ndarray]:
        """
        Return what ``fit`` needs as targets of the hidden probes; the losses do not read them.

        Parameters
        ----------
        network : nengo.Network or nengo_dl.Simulator
            The network that is trained.
        n_samples : int
            The number of samples in the training data.

        Returns
        -------
        targets : dict of ndarray of shape (n_samples, 1, 1)
        """
        n_samples = as_count(n_samples, "n_samples", self, LayerError)
        return {
            probe: np.zeros((n_samples, 1, 1), dtype=np.float32)
            for probe in self._probes_in(network)
        }

    def firing_rates(self, data: Any) -> list[FiringRates]:
        """
        Report the rates that the neurons have, one report for each layer of neurons.

        Parameters
        ----------
        data : mapping of nengo.Probe to ndarray
            What was recorded: ``sim.data`` after a run, or what ``sim.predict`` returned.

        Raises
        ------
        nengo.exceptions.ValidationError
            If it holds nothing that the hidden probes recorded, or their last step alone.
        """
        # not `probe in data`, which raises for the probes of other networks
        held = set(data) if isinstance(data, Mapping) else set()
        probes = [probe for probe in self._probes if probe in held]
        if not probes or any(np.size(data[probe]) == 0 for probe in probes):
            raise LayerError(
                "expected the data of a Simulator that ran a network in which this layer was "
                f"called, got {data!r}",
                attr="firing_rates",
                obj=self,
            )
        if isinstance(data, nengo_dl.simulator.SimulationData):
            self._check_history(data.sim, probes)
        return [
            FiringRates.from_output(
                data[probe], _amplitude(probe), self._bounds, name=probe.target.ensemble.label
            )
            for probe in probes
        ]

    @property
    def _bounds(self) -> tuple[float, float]:
        return as_range(self.rate_target, "rate_target", self, LayerError)

    @property
    def _weight(self) -> float:
        return as_number(self.weight, "weight", self, LayerError, low=0)

    @property
    def _probes(self) -> list[nengo.Probe]:
        return [probe for parts in self.calls for probe in parts.added["rate_probes"]]

    def _probes_in(self, network: Any) -> list[nengo.Probe]:
        network = _top_of(network)
        if not isinstance(network, nengo.Network):
            raise LayerError(
                f"expected a network or a Simulator, got {network!r}", attr="network", obj=self
            )
        inside = set(network.all_probes)
        if not inside.intersection(self._probes):
            raise LayerError(f"it was not called in {network}", attr="network", obj=self)
        return [probe for probe in self._probes if probe in inside]

    def _check_history(self, network: Any, probes: Sequence[nengo.Probe]) -> None:
        """Raise if the network at the top keeps the last step alone of a hidden probe."""
        network = _top_of(network)
        for probe in probes:
            if not nengo_dl.config.get_setting(network, "keep_history", True, obj=probe):
                raise LayerError(
                    f"keep_history is False for {probe} in {network}, which may have been put "
                    "around the layer after its call, so that rates would be those of the last "
                    "step; before making the Simulator, set network.config[probe].keep_history = "
                    "True for the probes in calls[...].added['rate_probes'], or call the layer "
                    "within that network",
                    attr="network",
                    obj=self,
                )


def _top_of(network: Any) -> nengo.Network:
    return network.model.toplevel if isinstance(network, nengo_dl.Simulator) else network


def _amplitude(probe: nengo.Probe) -> float:
    return float(getattr(probe.target.ensemble.neuron_type, "amplitude", 1.0))


class RateLoss(tf.keras.losses.Loss):
    r"""
    How far neurons are from the firing rates that are wanted.

    .. math:: w \cdot \frac{1}{n} \sum_{i=1}^n \left(\max(0, l - r_i) + \max(0, r_i - h)\right)^2

    for the mean rates :math:`r_i` (Hz) of n neurons, the lowest and highest welcome rate l and h,
    and the weight w.

    Parameters
    ----------
    low, high : float
        The lowest and highest rate (Hz) that is welcome.
    amplitude : float
        Of the neurons: what 1 Hz counts for in their output.
    weight : float
        Weight of the loss.

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_layers_plus.layers import RateLoss
    >>> loss = RateLoss(10, 20, amplitude=0.5, weight=0.1)
    >>> output = np.array([[[3.0, 8.0, 15.0]]])  # 6, 16 and 30 Hz
    >>> round(float(loss(np.zeros((1, 1, 1)), output)), 3)
    3.867
    """

    def __init__(
        self,
        low: float,
        high: float,
        amplitude: float = 1.0,
        weight: float = 1.0,
        name: str = "rate_loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=as_text(name, "name", type(self)), **kwargs)
        self.low, self.high = as_range((low, high), "low, high", self)
        self.amplitude = as_number(amplitude, "amplitude", self, above=0)
        self.weight = as_number(weight, "weight", self, low=0)

    def call(self, y_true: Any, y_pred: tf.Tensor) -> tf.Tensor:
        """
        Return the loss.

        Parameters
        ----------
        y_true : tf.Tensor
            Is not read.
        y_pred : tf.Tensor
            What the neurons put out, of shape ``(batch, time, n_neurons)``.
        """
        rates = tf.reduce_mean(y_pred, axis=(0, 1)) / self.amplitude
        distance = tf.nn.relu(self.low - rates) + tf.nn.relu(rates - self.high)
        return self.weight * tf.reduce_mean(distance**2)

    def get_config(self) -> dict[str, Any]:
        """Return what is needed to make a copy."""
        own = {name: getattr(self, name) for name in ("low", "high", "amplitude", "weight")}
        return {**super().get_config(), **own}


@dataclass(frozen=True, eq=False)
class FiringRates:
    """
    The firing rates that neurons have, beside those that they should have.

    Parameters
    ----------
    rates : array
        The mean rate (Hz) of each neuron, over samples and time, shape ``(n_neurons,)``.
    target : tuple of float
        The lowest and the highest rate (Hz) that is welcome.
    name : str or None
        The label of the neurons.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the rates are no numbers, the target no two numbers in order, or the name no text.

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_layers_plus.layers import FiringRates
    >>> print(FiringRates(np.array([0.0, 15.0, 18.0, 31.0]), (10, 20), "hidden"))
    hidden: mean 16.0 Hz, median 16.5 Hz, highest 31.0 Hz; 50 % in 10 to 20 Hz, 25 % silent
    """

    rates: np.ndarray
    target: tuple[float, float]
    name: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "rates", as_numbers(self.rates, "rates", self))
        object.__setattr__(self, "target", as_range(self.target, "target", self))
        as_text(self.name, "name", self)

    @classmethod
    def from_output(
        cls, output: Any, amplitude: float, target: tuple[float, float], name: str | None = None
    ) -> FiringRates:
        """
        Make the report from what neurons put out.

        Parameters
        ----------
        output : array_like
            The output, as a probe records it, ``(batch, time, n_neurons)`` or
            ``(time, n_neurons)``.
        amplitude : float
            What 1 Hz counts for in it.
        target : tuple of float
            The lowest and the highest rate (Hz) that is welcome.
        name : str, optional
            The label of the neurons.
        """
        values = as_numbers(output, "output", cls)
        amplitude = as_number(amplitude, "amplitude", cls, above=0)
        return cls(values.mean(axis=tuple(range(values.ndim - 1))) / amplitude, target, name)

    @property
    def in_target(self) -> float:
        """The share of the neurons whose rate is in the range."""
        low, high = self.target
        return float(np.mean((self.rates >= low) & (self.rates <= high)))

    @property
    def silent(self) -> float:
        """The share of the neurons that do not fire."""
        return float(np.mean(self.rates == 0))

    def __str__(self) -> str:
        low, high = self.target
        welcome = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        return (
            f"{self.name or 'neurons'}: mean {self.rates.mean():.1f} Hz, median "
            f"{np.median(self.rates):.1f} Hz, highest {self.rates.max():.1f} Hz; "
            f"{self.in_target:.0%} in {welcome} Hz, {self.silent:.0%} silent"
        ).replace("%", " %")
