"""What the demo says: a table of its layers, a table of its results, and why they differ."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from nengo_layers_plus import CustomLayer, LayerParts
from nengo_layers_plus.commands._demo_experiment import DT, N_STEPS, Outcome
from nengo_layers_plus.commands._demo_networks import DigitNetwork, SteadyNeurons
from nengo_layers_plus.graph import GraphObject, NetworkGraph, Parameter, Shape


def show_layers(network: DigitNetwork, console: Console) -> None:
    """
    Print a table of the layers of a network, with what each hook set.

    Parameters
    ----------
    network : DigitNetwork
        Made with CustomLayers.
    console : rich.console.Console
        Where to print.
    """
    graph = NetworkGraph(network.network)
    table = _table("The layers, and what the hooks of CustomLayer set", padding=0)
    for heading in ("layer_func", "shape", "synapse", "ensemble_kwargs", "trainable", "on_built"):
        table.add_column(heading)
    for layer in network.layers:
        table.add_row(*_layer_cells(layer, graph))
    console.print(table)


def show_results(outcomes: tuple[Outcome, Outcome], console: Console) -> None:
    """
    Print a table of the results, and why they differ.

    Parameters
    ----------
    outcomes : tuple of Outcome
        Of the network made with CustomLayers, and of the one made with stock layers.
    console : rich.console.Console
        Where to print.
    """
    duration = f"{1000 * DT * N_STEPS:g} ms"
    columns = [
        {
            "read right by rate neurons": f"{100 * each.training.accuracy:.1f} %",
            f"read right by spiking neurons after {duration}": (
                f"{100 * each.spiking.accuracy[-1]:.1f} %"
            ),
            "mean firing rate": f"{each.spiking.mean_rate:.0f} Hz",
            "values that train": f"{sum(each.size or 0 for each in _trained(each.network)):,}",
            "time to train": f"{each.training.duration:.1f} s",
            "throughput in training": f"{each.training.images_per_second:,.0f} images/s",
            f"throughput in spiking, {duration} an image": (
                f"{each.spiking.images_per_second:,.0f} images/s"
            ),
        }
        for each in outcomes
    ]
    table = _table("What came of it", padding=1)
    table.add_column("")
    for outcome in outcomes:
        table.add_column(outcome.name, justify="right")
    for name in columns[0]:
        table.add_row(name, *(column[name] for column in columns))
    console.print(table)
    console.print()
    console.print(_why_they_differ(outcomes[1].network), highlight=False)


def _why_they_differ(stock: DigitNetwork) -> str:
    n_biases = sum(each.size or 0 for each in _trained(stock) if each.kind == "bias")
    rates, intercepts = nengo.Ensemble.max_rates.default, nengo.Ensemble.intercepts.default
    return (
        "Layers, synapses, initial weights and images are the same. What differs is what "
        "nengo_dl.Layer leaves as it is:\n"
        "- The response curve of each neuron is drawn at random: maximum rates from "
        f"{rates.low:g} to {rates.high:g} Hz, intercepts from {intercepts.low:g} to "
        f"{intercepts.high:g}. Each call takes a gain and bias as well, but only as arrays, for "
        "a number of neurons that you count.\n"
        f"- The {n_biases:,} biases of the neurons train too, which takes time. nengo_dl.Layer "
        "has no setting for that."
    )


def _layer_cells(layer: CustomLayer, graph: NetworkGraph) -> tuple[str, ...]:
    (parts,) = layer.calls
    item = graph[parts.output]
    synapse = parts.connection.synapse
    return (
        f"{item.name}\n[dim]{_applied(parts)}[/]",
        _shapes(item),
        "" if synapse is None else f"{1000 * synapse.tau:g} ms",
        _response_curve(parts.ensemble),
        _what_trains(graph, parts),
        "a probe" if isinstance(layer, SteadyNeurons) else "",
    )


def _applied(parts: LayerParts) -> str:
    if parts.node is None:
        return type(parts.ensemble.neuron_type).__name__
    layer = parts.node.tensor_func
    config = layer.get_config()
    sizes = (config.get("filters", config.get("units")), *config.get("kernel_size", ()))
    return f"{type(layer).__name__} {_shape(sizes)}"


def _shapes(item: GraphObject) -> str:
    shapes = [_shape(item.shape_in)]
    if item.kind != "ensemble":
        shapes.append(_shape(item.shape_out))
    return "\n→ ".join(shapes)


def _shape(shape: Shape) -> str:
    return "×".join(f"{size:,}" for size in shape)


def _response_curve(ensemble: nengo.Ensemble | None) -> str:
    if ensemble is None:
        return ""
    return "\n".join(
        f"{name} {_one_for_all(getattr(ensemble, name)):g}" for name in ("gain", "bias")
    )


def _one_for_all(values: Any) -> float:
    (value,) = np.unique(values)
    return float(value)


def _what_trains(graph: NetworkGraph, parts: LayerParts) -> str:
    objects = (parts.ensemble, parts.node, parts.connection)
    trained = [each for each in graph.parameters if each.is_trained and each.obj in objects]
    if not trained:
        return "nothing"
    names = ", ".join(each.name.rpartition(".")[2] for each in trained)
    return f"{names}\n{sum(each.size or 0 for each in trained):,} values"


def _trained(network: DigitNetwork) -> list[Parameter]:
    return [each for each in NetworkGraph(network.network).parameters if each.is_trained]


def _table(title: str, padding: int) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, padding),
    )
