"""Every public function with wrong arguments: it works, or ends in an error that was meant."""

from __future__ import annotations

import importlib
import random
import zlib
from collections.abc import Iterator

import pytest
from nengo.exceptions import SimulatorClosed
from public_calls import CALLS, PublicCall, Scene
from wrong_values import WRONG, answer, closed_simulator

ROOMS = [
    "conversion",
    "graph",
    "introspection",
    "layers",
    "neurons",
    "parameters",
    "plot",
    "simulator",
    "surrogate",
    "synapses",
    "testing",
]

# public names that nobody calls with values of their own, and why
EXEMPT = {
    "records that the package makes": (
        "Activity Comparison Difference Divergence GradientDifference GradientStop GraphEdge "
        "GraphObject KerasNetwork LayerContext LayerParts LoadedParameters NetworkSource Parameter "
        "Setting SimNeuronModel Summary SummaryInput SummaryRow SummarySetting SurrogateFunction "
        "SurrogateKind TrainingReport"
    ),
    "errors and warnings, and types": (
        "BrokenPromiseError ConversionError MissingParameterFileError NonFiniteError "
        "ParameterError ParameterFileError ParameterMismatchError SimulatorBuiltError "
        "StoppedGradientError StoppedGradientWarning Shape"
    ),
    "what the package gives to dynamics": "NumPyNeurons TensorFlowNeurons",
    "called by other rooms, and on no page of the documentation": (
        "alike_parts fix_trainable FunctionOfSeveral in_words LayerWrapper Line listed "
        "may_train network_in_words number passes_operator plain range_of range_of_names render "
        "Report Table trained_through"
    ),
    "without arguments": "names",
    "bases, whose subclasses are called": "BaseLayer Block NeuronModel",
}


def spoilings(call: PublicCall, n_values: int, n_pairs: int) -> Iterator[dict[str, str]]:
    """Yield which arguments are to have which wrong values; the same in every run."""
    rng = random.Random(zlib.crc32(call.name.encode()))
    scene = Scene()
    with scene.network:
        arguments = list(call.make(scene)[1])
    for argument in arguments:
        for value in rng.sample(list(WRONG), n_values):
            yield {argument: value}
    for _ in range(n_pairs if len(arguments) > 1 else 0):
        yield {argument: rng.choice(list(WRONG)) for argument in rng.sample(arguments, 2)}


def problems(call: PublicCall, n_values: int, n_pairs: int) -> list[str]:
    """Return how a call fails within, and for which wrong arguments."""
    found = []
    for spoiling in spoilings(call, n_values, n_pairs):
        problem = call.problem({name: WRONG[value] for name, value in spoiling.items()})
        if problem is not None:
            found.append(f"{spoiling}: {problem}")
    return found


QUICK = [name for name, call in CALLS.items() if not call.costly]


def test_calls_work_with_right_arguments() -> None:
    assert {name: CALLS[name].problem({}) for name in QUICK} == dict.fromkeys(QUICK)


def test_some_wrong_arguments() -> None:
    found = {name: problems(CALLS[name], n_values=1, n_pairs=1) for name in QUICK}
    assert {name: texts for name, texts in found.items() if texts} == {}


@pytest.mark.parametrize(
    ("value", "arguments"),
    [
        (
            "array of no axis",
            [
                "Sequential:layers",
                "Trainable:connection",
                "TrainableLIF:trainable",
                "TrainableLIF:min_voltage",
                "changed:tau_rc",
                "graph.gradient_stops:probes",
                "parameters.freeze:part",
            ],
        ),
        (
            "integer that no float can be",
            [
                "CustomLayer:synapse",
                "CustomLayer.__call__:gain",
                "LeakyIntegrator:amplitude",
                "surrogate.SurrogateKind.__call__:alpha",
                "from_keras:scale_firing_rates",
                "from_keras:synapse",
                "plot.raster:dt",
                "plot.rates:amplitude",
            ],
        ),
    ],
)
def test_values_that_look_like_others(value: str, arguments: list[str]) -> None:
    for each in arguments:
        name, argument = each.split(":")
        assert CALLS[name].problem({argument: WRONG[value]}) is None, each


@pytest.mark.deep
@pytest.mark.parametrize("name", CALLS)
def test_wrong_arguments(name: str) -> None:
    assert CALLS[name].problem({}) is None
    found = problems(CALLS[name], n_values=len(WRONG), n_pairs=40)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_is_called(room: str) -> None:
    module = importlib.import_module(f"nengo_layers_plus.{room}")
    called = {part for name in CALLS for part in name.split(" ")[0].split(".")}
    exempt = {name for names in EXEMPT.values() for name in names.split()}
    assert set(module.__all__) <= called | exempt
    assert not exempt & {name for name in module.__all__ if name in CALLS}


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize(
    "name",
    # what is asked of objects of another network is another matter
    [name for name in CALLS if name.startswith("Simulator.") and "params" not in name],
)
def test_a_closed_simulator_says_so(name: str, own: bool) -> None:
    scene = Scene()
    arguments = CALLS[name].make(scene)[1]
    method = getattr(closed_simulator(own), name.removeprefix("Simulator."), None)
    if method is not None:
        error = answer(method, arguments)
        assert error is None or isinstance(error, SimulatorClosed), repr(error)
