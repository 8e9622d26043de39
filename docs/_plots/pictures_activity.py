"""The picture of what neurons do in the guide "Pictures"."""

import matplotlib.pyplot as plt
import nengo
import numpy as np
import tensorflow as tf

from nengo_layers_plus import CustomLayer, Simulator, plot

with nengo.Network(seed=0) as net:
    stimulus = nengo.Node(lambda t: np.sin(4 * np.pi * t + np.arange(8)), size_out=8)
    start = tf.keras.initializers.GlorotUniform(seed=0)
    hidden = CustomLayer(tf.keras.layers.Dense(60, kernel_initializer=start))(stimulus)
    neurons = {"max_rates": nengo.dists.Uniform(50, 100)}
    first = CustomLayer(nengo.LIF(), ensemble_kwargs=neurons)(hidden)
    second = CustomLayer(nengo.LIF(), ensemble_kwargs=neurons)(first, synapse=0.02, transform=0.01)
    probes = {"first": nengo.Probe(first), "second": nengo.Probe(second)}

with Simulator(net, progress_bar=False) as sim:
    sim.run(1.0)
    spikes = {name: sim.data[probe] for name, probe in probes.items()}

figure, (above, below) = plt.subplots(2, figsize=(7, 5.5), layout="constrained")
plot.raster(spikes["first"], dt=sim.dt, ax=above)
plot.rates(spikes, ax=below)
