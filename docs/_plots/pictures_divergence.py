"""The picture of how two networks come apart in the guide "Pictures"."""

import nengo
import numpy as np
import tensorflow as tf

from nengo_layers_plus import CustomLayer, compare, plot


def build(synapse: float | None) -> nengo.Network:
    """Make a network in which one of the synapses can be chosen."""
    with nengo.Network(seed=0) as net:
        stimulus = nengo.Node(lambda t: np.sin(20 * t + np.arange(4)), size_out=4, label="stimulus")
        start = tf.keras.initializers.GlorotUniform(seed=0)
        dense = tf.keras.layers.Dense(20, kernel_initializer=start)
        hidden = CustomLayer(dense, label="hidden")(stimulus)
        spikes = CustomLayer(nengo.LIF(), label="spikes")(hidden)
        mean = tf.keras.layers.Dense(1, kernel_initializer="ones")
        read = CustomLayer(mean, label="read", synapse=synapse)(spikes)
        nengo.Probe(read, label="probe")
    return net


plot.divergence(compare(build(0.02), build(0.03), n_steps=200))
