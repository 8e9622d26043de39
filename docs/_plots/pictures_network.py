"""The picture of a network in the guide "Pictures"."""

import nengo
import tensorflow as tf

from nengo_layers_plus import CustomLayer, RecurrentNeurons, Residual, plot

with nengo.Network() as net:
    image = nengo.Node([0.0] * 64, label="image")
    conv = CustomLayer(tf.keras.layers.Conv2D(4, 3), label="conv")(image, shape_in=(8, 8, 1))
    spikes = CustomLayer(nengo.LIF(), label="spikes", synapse=0.005)(conv)
    block = Residual(
        [tf.keras.layers.Conv2D(4, 3, padding="same"), nengo.LIF()],
        label="residual",
        subnetwork=True,
    )(spikes, shape_in=(6, 6, 4))
    dense = CustomLayer(tf.keras.layers.Dense(16), label="dense")(block)
    memory = RecurrentNeurons(nengo.LIF(), label="memory")(dense)
    digit = CustomLayer(tf.keras.layers.Dense(10), label="digit")(memory)
    nengo.Probe(digit, label="read")
    nengo.Probe(spikes, label="first spikes")

plot.network(net)
