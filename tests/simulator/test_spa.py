"""Networks of nengo_spa, whose inputs are Nodes of a subclass, give nengo's numbers."""

from __future__ import annotations

import functools
from typing import Any

import nengo
import nengo_spa as spa
import numpy as np
import pytest
from same_numbers import quiet
from ways import WAYS

from nengo_layers_plus import nengo_dl

STEPS = 80
DIMENSIONS = 8
WORDS = "RED; BLUE; ROUND; FLAT; RED_ROUND.unitary()"


def vocabulary() -> Any:
    made = spa.Vocabulary(DIMENSIONS, pointer_gen=np.random.RandomState(3), max_similarity=0.6)
    made.populate(WORDS)
    return made


def state(words: Any, **kwargs: Any) -> Any:
    return spa.State(words, subdimensions=4, neurons_per_dimension=8, **kwargs)


def binding(words: Any) -> Any:
    return spa.Bind(words, neurons_per_dimension=4)


def scaled(words: Any) -> Any:
    """Build a pointer times two."""
    output = state(words)
    2 * spa.Transcode("RED", output_vocab=words) >> output
    return output


def inverted(words: Any) -> Any:
    """Build an inverse."""
    output = state(words)
    ~spa.Transcode(lambda t: "RED" if t < 0.04 else "0.5*FLAT", output_vocab=words) >> output
    return output


def bound(words: Any) -> Any:
    """Build what one pointer is bound to in another."""
    output = binding(words)
    pair = spa.Transcode("RED * ROUND", output_vocab=words)
    pair >> output.input_left
    ~spa.Transcode("ROUND", output_vocab=words) >> output.input_right
    return output


def superposed(words: Any) -> Any:
    """Build a question that is asked of two pairs, which are kept by feedback."""
    memory = state(words, feedback=0.8, feedback_synapse=0.02)
    output = state(words)
    red = spa.Transcode("RED", output_vocab=words) * spa.Transcode("ROUND", output_vocab=words)
    blue = spa.sym.BLUE * spa.sym.FLAT
    red + blue >> memory
    memory * ~spa.sym.FLAT >> output
    return output


def cleaned_up(words: Any) -> Any:
    """Build memories that let the nearest pointer through."""
    output = state(words)
    noisy = spa.Transcode("0.8 * RED + 0.3 * FLAT", output_vocab=words)
    for memory in (
        spa.ThresholdingAssocMem(0.4, words, mapping=["RED", "BLUE", "FLAT"], n_neurons=15),
        spa.IAAssocMem(words, mapping={"RED": "ROUND", "BLUE": "FLAT"}, n_neurons=15),
        spa.WTAAssocMem(0.2, words, mapping={"RED": "BLUE", "FLAT": "ROUND"}, n_neurons=15),
    ):
        noisy >> memory
        memory >> output
    return output


def chosen_actions(words: Any) -> Any:
    """Build a sequence of pointers, by basal ganglia and thalamus."""
    output = state(words, feedback=1.0, feedback_synapse=0.02)
    spa.Transcode(lambda t: "RED" if t < 0.03 else "0", output_vocab=words) >> output
    with spa.ActionSelection():
        spa.ifmax(spa.dot(output, spa.sym.RED), spa.sym.BLUE >> output)
        spa.ifmax(spa.dot(output, spa.sym.BLUE), spa.sym.ROUND >> output)
        spa.ifmax(0.4, spa.sym.RED >> output)
    return output


SMALL = (scaled, inverted, bound)
MODELS = (*SMALL, superposed, cleaned_up, chosen_actions)


@functools.cache
def run(way: str, models: tuple[Any, ...]) -> dict[str, np.ndarray]:
    """Run models in one network; return what is recorded of their outputs."""
    simulator = nengo.Simulator if way == "nengo" else WAYS[way]
    probes = {}
    with quiet():
        with nengo.Network(seed=4) as network:
            nengo_dl.configure_settings(dtype="float64")
            words = vocabulary()
            for model in models:
                with spa.Network(label=model.__name__):
                    probes[model.__name__] = nengo.Probe(model(words).output, synapse=0.01)
        with simulator(network, progress_bar=False) as sim:
            sim.run_steps(STEPS)
            return {name: sim.data[probe] for name, probe in probes.items()}


# what is compiled takes seconds for each of many parts
@pytest.mark.parametrize(
    ("way", "models"),
    [("waiting", MODELS), ("nengo_dl", MODELS), ("stepwise", SMALL), ("layer by layer", SMALL)],
    ids=lambda each: each if isinstance(each, str) else f"{len(each)} models",
)
def test_equals_nengo(way, models):
    expected = run("nengo", models)

    found = run(way, models)

    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-9, atol=1e-9, err_msg=name)
        assert np.linalg.norm(values[-1]) > 0.2, name  # something is there
