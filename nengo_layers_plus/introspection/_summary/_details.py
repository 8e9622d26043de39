"""All that is known of a layer, in lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nengo_layers_plus.graph import Line, Table, number, range_of
from nengo_layers_plus.graph._variables import Index, write_index
from nengo_layers_plus.introspection._summary._neuron_settings import parameters_in_words
from nengo_layers_plus.introspection._summary._summary_row import SummaryRow
from nengo_layers_plus.introspection._summary._words import (
    arguments_of,
    shapes_in_words,
    synapse_in_words,
)

Lines = Iterator[tuple[str, str]]


def details_of(
    row: SummaryRow, variables: Mapping[str, Sequence[tuple[str, Index]]]
) -> tuple[Line, Table]:
    """
    Say all that is known of a layer.

    Parameters
    ----------
    row : SummaryRow
        Its row.
    variables : Mapping
        What the variables of the Keras model hold.
    """
    places = {
        name: f"; in {variable.rpartition('/')[2] if '/base_params/' in variable else variable}"
        + write_index(index)
        for variable, held in variables.items()
        for name, index in held
    }
    lines = [*_what(row), *_inputs(row), *_settings(row), *_parameters(row, places), *_rest(row)]
    return Line(row.name), Table((), lines)


def _what(row: SummaryRow) -> Lines:
    yield "what", f"{row.kind}: {row.what}"
    if row.made_by is not None:
        yield "made by", row.made_by
    if row.kind == "ensemble":
        arguments = parameters_in_words(arguments_of(row.item.obj.neuron_type))
        yield "neurons", f"{row.n_neurons:,}" + (f" with {arguments}" if arguments else "")
    shapes = shapes_in_words(row.shape_in, row.shape_out, is_input=not row.inputs)
    yield "shape", shapes + (", in a cycle" if row.item.cycle else "")


def _inputs(row: SummaryRow) -> Lines:
    for each in row.inputs:
        yield (
            "input",
            f"{each.source}; synapse {synapse_in_words(each.synapse)} ({each.synapse_set_by}), "
            f"transform {each.transform} ({each.transform_set_by})",
        )


def _settings(row: SummaryRow) -> Lines:
    for each in row.settings:
        head = f"initial {each.name}" if each.initial_state else each.name
        given = "" if each.given is None else f", of {each.given_in_words}"
        yield head, f"{each.built_in_words}{given}: {each.set_by}"


def _parameters(row: SummaryRow, places: Mapping[str, str]) -> Lines:
    if row.shares_with is not None:
        yield "parameter", f"the weights of {row.shares_with}"
    for each in row.parameters:
        state = "trains" if each.trainable else "stays"
        if each in row.unused:
            state = "is not used"
        shape = "shape not known" if each.shape is None else str(each.shape)
        place = "; built in as a constant" if each in row.constants else places.get(each.name, "")
        values = ""
        if each.name in row.declared:
            first, now = (range_of(value) for value in row.declared[each.name])
            values = f"; {now}" if first == now else f"; {now}, at first {first}"
        yield "parameter", f"{each.name} {shape} {state}: {each.why}{values}{place}"


def _rest(row: SummaryRow) -> Lines:
    if row.seed is None:
        yield "seed", "drawn anew for each Simulator"
    else:
        yield "seed", f"{row.seed}, {'given' if row.seed_given else 'derived from the network'}"
    if row.state_bytes:
        yield "state", f"{row.state_bytes:,} bytes an item"
    if row.probes:
        yield "probes", ", ".join(row.probes)
    done = row.activity
    if done is not None:
        yield "firing rates", f"{done.mean_rate:.1f} Hz on average, at most {done.max_rate:.1f} Hz"
        saturated = "" if done.saturated is None else f", {done.saturated:.1%} saturated"
        yield "silent", f"{done.silent:.1%} of the neurons{saturated}"
        spikes = "" if done.spikes is None else f"{number(done.spikes)} spikes, "
        yield (
            "in a step",
            f"{spikes}{number(done.synaptic_operations)} synaptic operations"
            + (f" without those of {', '.join(done.not_counted)}" if done.not_counted else ""),
        )
