"""The picture of all surrogates in the guide "Training through spikes"."""

import matplotlib.pyplot as plt
import numpy as np

from nengo_layers_plus import surrogate

distance = np.linspace(-2, 2, 801)  # from the threshold
names = surrogate.names()
n_columns = 4
n_rows = -(-len(names) // n_columns)

figure, panels = plt.subplots(
    n_rows, n_columns, figsize=(8, 1.9 * n_rows), sharex=True, sharey=True, layout="constrained"
)
for number, axes in enumerate(panels.flat):
    if number >= len(names):
        axes.set_axis_off()
        continue
    function = surrogate.get(names[number])()
    axes.plot(distance, distance > 0, color="0.75", label="spike")
    axes.plot(distance, function.primitive(distance), color="#0072b2", label="primitive")
    axes.plot(distance, function.slope(distance), color="#d55e00", label="slope")
    axes.set(title=function.name, ylim=(-0.5, 1.6))
    axes.annotate(
        "\n".join(f"{name}={value:g}" for name, value in function.arguments),
        (0.03, 0.97),
        xycoords="axes fraction",
        fontsize="x-small",
        verticalalignment="top",
    )
    axes.spines[["top", "right"]].set_visible(False)
    if number + n_columns >= len(names):  # nothing is below it
        axes.tick_params(labelbottom=True)
figure.supxlabel("distance of the membrane from its threshold (in units of the threshold)")
figure.legend(
    *panels.flat[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False
)
