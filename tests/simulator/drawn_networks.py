"""Draws networks of all that a Simulator can meet, and what is asked of the Simulator."""

from __future__ import annotations

from typing import Any

import simulated_networks as sn
from hypothesis import strategies as st
from same_numbers import Call

# what comes first is what hypothesis shrinks to
sizes = st.integers(1, 6)
spans = st.integers(0, 5)


def _neurons(random: bool) -> st.SearchStrategy[str]:
    return st.sampled_from([name for name, kind in sn.NEURONS.items() if random or not kind.random])


@st.composite
def links(draw: st.DrawFn, synapses: Any = None) -> sn.Link:
    """Draw a connection; every second is as plain as can be."""
    synapse = draw(st.sampled_from(list(sn.SYNAPSES)) if synapses is None else synapses)
    source = draw(spans)
    if draw(st.booleans()):
        return sn.Link(source, synapse)
    return sn.Link(
        source,
        synapse,
        transform=draw(st.sampled_from(sn.TRANSFORMS)),
        pick=draw(st.sampled_from(sn.PICKS)),
        into=draw(st.sampled_from(sn.TARGETS)),
        function=draw(st.sampled_from(list(sn.FUNCTIONS))),
    )


def sources(in_nengo: bool = False) -> st.SearchStrategy[sn.Source]:
    kinds = [each for each in sn.Source.kinds if not (in_nengo and each == "unseeded noise")]
    return st.builds(sn.Source, st.sampled_from(kinds), sizes)


def parts(training: bool = False, in_nengo: bool = False) -> st.SearchStrategy[Any]:
    """
    Draw one part of a network.

    Parameters
    ----------
    training : bool
        Whether the network is run as in training: layers and neurons that are random then are not
        drawn, those that are random otherwise are.
    in_nengo : bool
        Whether nengo runs it too, to the same numbers: no TensorNodes, nothing without a seed.
    """
    incoming = st.lists(links(), min_size=1, max_size=2).map(tuple)
    neurons = _neurons(random=training)
    layers = [each for each in sn.KERAS_LAYERS if not (training and each in sn.RANDOM_IN_TRAINING)]
    functions = [*sn.TENSOR_FUNCTIONS, *sn.TIMED_TENSOR_FUNCTIONS]
    noise = [
        each for each in sn.NeuronLayer.kinds_of_noise if not (in_nengo and each == "unseeded")
    ]
    processes = [each for each in sn.ProcessNode.kinds if not (in_nengo and each == "slow noise")]
    # a function of its own state is called for all items of a minibatch
    nodes = ["input and time"] if in_nengo else sn.FunctionNode.kinds
    of_tensors = (
        st.builds(sn.KerasLayer, st.sampled_from(layers), sizes, incoming),
        st.builds(sn.TensorFunction, st.sampled_from(functions), sizes, incoming),
    )
    one = st.one_of(
        st.builds(sn.NeuronLayer, neurons, sizes, incoming, st.sampled_from(noise)),
        *(() if in_nengo else of_tensors),
        st.builds(
            sn.DecodedEnsemble,
            st.one_of(neurons, st.just("Direct")),
            st.integers(1, 3),
            incoming,
        ),
        st.builds(sn.FunctionNode, st.sampled_from(nodes), sizes, incoming),
        st.builds(sn.ProcessNode, st.sampled_from(processes), sizes, incoming),
        st.builds(sn.EnsembleArray, neurons, st.integers(1, 3), incoming),
        st.builds(sn.Product, neurons, st.integers(1, 3), incoming),
        st.builds(
            sn.Learning,
            st.sampled_from(sn.Learning.kinds),
            neurons,
            st.integers(1, 3),
            incoming,
            links(),
        ),
        sources(in_nengo),
    )
    nested = st.lists(one, min_size=1, max_size=2).map(tuple)
    # hypothesis draws each of these as often as the other
    return st.one_of(one, one, one, one, st.builds(sn.Subnetwork, nested))


@st.composite
def probe_plans(draw: st.DrawFn, in_nengo: bool = False) -> sn.ProbePlan:
    sample_every = draw(st.sampled_from([None, None, None, 0.002, 0.0035]))
    return sn.ProbePlan(
        target=draw(st.integers(0, 12)),
        attribute=draw(st.integers(0, 4)),
        synapse=draw(st.sampled_from(["none", "none", *sn.SYNAPSES])),
        sample_every=sample_every,
        # run_steps of nengo_dl can't sample the one value that is kept
        keep_history=in_nengo
        or sample_every is not None
        or draw(st.sampled_from([True, True, True, False])),
    )


@st.composite
def settings(draw: st.DrawFn, dtype: str, training: bool = False) -> sn.Settings:
    inference_only = not training and draw(st.sampled_from([False, False, True]))
    use_loop = draw(st.sampled_from([True, True, True, True, False]))
    return sn.Settings(
        dtype=dtype,
        minibatch_size=draw(st.sampled_from([None, 1, 2, 3])),
        unroll_simulation=draw(st.sampled_from([1, 1, 1, 1, 2, *([] if training else [3])])),
        use_loop=use_loop,
        inference_only=inference_only,
        lif_smoothing=draw(st.sampled_from([None, 0.1])),
        learning_phase=True if training else draw(st.sampled_from([None, None, False])),
        stateful=draw(st.sampled_from([True, True, True, False])),
    )


@st.composite
def network_plans(
    draw: st.DrawFn,
    dtype: str,
    training: bool = False,
    max_parts: int = 4,
    in_nengo: bool = False,
) -> sn.NetworkPlan:
    """
    Draw a network.

    Parameters
    ----------
    dtype : str
        Of the simulation.
    training : bool
        Whether it is run as in training.
    max_parts : int
        How many parts at most, next to the first input.
    in_nengo : bool
        As for `parts`; with the settings that nengo has.
    """
    first = sources(in_nengo)
    others = st.lists(parts(training, in_nengo), min_size=1, max_size=max_parts)
    recurrent = links(st.sampled_from([each for each in sn.SYNAPSES if each != "none"]))
    return sn.NetworkPlan(
        parts=(draw(first), *draw(others)),
        recurrences=tuple(
            draw(st.lists(st.builds(sn.Recurrence, st.integers(0, 4), recurrent), max_size=2))
        ),
        probes=tuple(draw(st.lists(probe_plans(in_nengo), max_size=max_parts))),
        all_outputs=draw(st.sampled_from([True, True, False])),
        settings=sn.Settings(dtype, 2) if in_nengo else draw(settings(dtype, training)),
        seed=draw(st.integers(0, 10000)),
    )


@st.composite
def calls(draw: st.DrawFn, how: sn.Settings, max_steps: int = 50) -> list[Call]:
    """Draw what is asked of a Simulator, one call after another."""
    # two lengths at most: nengo_dl traces each for itself
    unroll = how.unroll_simulation
    lengths = [
        -(-draw(st.integers(0, draw(st.sampled_from([4, 20, max_steps])))) // unroll) * unroll
        for _ in range(2)
    ]

    def n_steps() -> int:
        return draw(st.sampled_from(lengths)) if how.use_loop else unroll

    def call() -> Call:
        kind = draw(st.sampled_from(["run_steps", "predict", "predict_on_batch", "reset"]))
        if kind == "reset":
            return Call(kind, trainable=draw(st.booleans()), processes=draw(st.booleans()))
        stateful = draw(st.booleans())
        data = draw(st.sampled_from(["given", "own", "still", "nearly still"]))
        batches = draw(st.integers(1, 2)) if kind == "predict" else 1
        return Call(kind, n_steps(), stateful and how.stateful, data, batches)

    return [Call("run_steps", n_steps(), how.stateful, "given")] + [
        call() for _ in range(draw(st.integers(0, 2)))
    ]


@st.composite
def training_calls(draw: st.DrawFn, how: sn.Settings, max_steps: int = 6) -> Call:
    """Draw how a network is trained."""
    unroll = how.unroll_simulation
    n_steps = unroll * draw(st.integers(1, max(1, max_steps // unroll))) if how.use_loop else unroll
    return Call(
        "predict",
        n_steps,
        stateful=False,
        data=draw(st.sampled_from(["given", "still"])),
        batches=draw(st.integers(1, 2)),
    )


@st.composite
def random_network_plans(draw: st.DrawFn) -> sn.NetworkPlan:
    """Draw a network with something random in it."""
    training = draw(st.booleans())
    kinds = (
        sn.RANDOM_IN_TRAINING
        if training
        else [name for name, kind in sn.NEURONS.items() if kind.random]
    )
    incoming = st.builds(sn.Link, st.integers(0, 1), st.sampled_from(["none", "lowpass"]))
    random_part = st.builds(
        sn.KerasLayer if training else sn.NeuronLayer,
        st.sampled_from(kinds),
        st.integers(1, 3),
        st.tuples(incoming),
    )
    others = st.one_of(
        st.builds(
            sn.NeuronLayer,
            st.sampled_from(["RectifiedLinear", "LIF", "SpikingRectifiedLinear"]),
            st.integers(1, 3),
            st.tuples(incoming),
        ),
        st.builds(
            sn.KerasLayer,
            st.sampled_from(["dense", "pooling"]),
            st.integers(1, 3),
            st.tuples(incoming),
        ),
        random_part,
    )
    first, last = draw(st.lists(others, max_size=1)), draw(st.lists(others, max_size=1))
    return sn.NetworkPlan(
        parts=(sn.Source("constant", draw(st.integers(1, 3))), *first, draw(random_part), *last),
        probes=(sn.ProbePlan(draw(st.integers(0, 6))),),
        settings=sn.Settings(
            dtype=draw(st.sampled_from(["float32", "float64"])),
            minibatch_size=draw(st.integers(2, 6)),
            learning_phase=training,
        ),
        seed=draw(st.integers(0, 10000)),
    )
