"""The picture of response curves in the guide "Pictures"."""

import matplotlib.pyplot as plt
import nengo

from nengo_layers_plus import CustomLayer, plot

drawn = CustomLayer(
    nengo.LIF(),
    ensemble_kwargs={
        "max_rates": nengo.dists.Uniform(80, 120),
        "intercepts": nengo.dists.Uniform(-0.5, 0.5),
    },
)
alike = CustomLayer(nengo.LIF(amplitude=0.01), ensemble_kwargs={"gain": 1, "bias": 0})
with nengo.Network(seed=0) as net:
    stimulus = nengo.Node([0.0] * 50)
    drawn(stimulus)
    alike(stimulus)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
plot.tuning(drawn.calls[0], net, ax=left).set_title("max_rates and intercepts drawn")
plot.tuning(alike.calls[0], net, ax=right).set_title("gain=1, bias=0, amplitude=0.01")
