"""The demo: its numbers on a part of the digits, its report, its picture, its errors."""

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from rich.console import Console
from simulation import simulator

from nengo_layers_plus.__main__ import main
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.commands import _digits_example
from nengo_layers_plus.commands._digits_example import (
    DT,
    N_STEPS,
    RATE_PER_UNIT,
    build_custom,
    build_stock,
    demonstrate,
    experiment,
    shift_at_random,
    split_digits,
)
from nengo_layers_plus.graph import NetworkGraph


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    """Run the demo on a part of the digits: what it returned, what it printed, its picture."""
    picture = tmp_path_factory.mktemp("demo") / "digits.png"
    console = Console(file=io.StringIO(), width=80)
    outcomes = demonstrate(
        split_digits(0, n_train=500, n_test=120), epochs=10, seed=0, out=picture, console=console
    )
    return outcomes, console.file.getvalue(), picture


@pytest.fixture
def calls(monkeypatch):
    """Put a list of what it is called with in the place of the demonstration."""
    calls = []
    monkeypatch.setattr(
        _digits_example, "demonstrate", lambda digits, **kwargs: calls.append(kwargs)
    )
    return calls


# what it does


def test_the_custom_network_learns_to_read_with_spikes(small_run):
    (custom, stock), _, _ = small_run
    # on all images, in 40 epochs, more than 97 %
    assert custom.rate_accuracy > 0.8
    assert custom.accuracy[-1] > 0.8
    # a network that is not trained reads 10 %
    assert stock.rate_accuracy > 0.25


def test_accuracy_rises_while_an_image_is_shown(small_run):
    for outcome in small_run[0]:
        assert outcome.accuracy.shape == (N_STEPS,)
        assert outcome.accuracy[0] < 0.25 < outcome.accuracy[-1]
        assert outcome.read.shape == (120, N_STEPS)


def test_rates_and_spikes_are_in_real_units(small_run):
    for outcome in small_run[0]:
        assert {name: spikes.shape for name, spikes in outcome.spikes.items()} == {
            "neurons1": (120, N_STEPS, 6 * 6 * 32),
            "neurons2": (120, N_STEPS, 4 * 4 * 64),
        }
        assert 5 < outcome.mean_rate < 200  # Hz
        counts = [spikes * RATE_PER_UNIT * DT for spikes in outcome.spikes.values()]
        for spikes in counts:
            np.testing.assert_allclose(spikes, np.rint(spikes), atol=1e-4)
        total = sum(float(spikes.sum(dtype=float)) for spikes in counts)
        assert outcome.mean_rate == pytest.approx(total / (2176 * 120 * N_STEPS * DT), rel=1e-4)


def test_every_epoch_and_minibatch_is_timed(small_run):
    for outcome in small_run[0]:
        assert len(outcome.training_times) == 10
        assert len(outcome.running_times) == 3
        assert min(*outcome.training_times, *outcome.running_times) > 0


def test_one_seed_gives_one_result():
    digits = split_digits(0, n_train=50, n_test=60)
    first, second = (
        experiment("CustomLayer", build_custom, digits, epochs=1, seed=3) for _ in range(2)
    )
    for one, other in zip(first.weights, second.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(first.read, second.read)


def test_digits_are_split_alike_and_used_once():
    digits = split_digits(0)
    assert (len(digits.train_images), len(digits.test_images)) == (1400, 397)
    assert digits.train_images.shape[1:] == (8, 8)
    assert (digits.train_images.min(), digits.train_images.max()) == (0, 1)
    shares = [
        np.bincount(labels) / len(labels) for labels in (digits.train_labels, digits.test_labels)
    ]
    np.testing.assert_allclose(*shares, atol=0.002)


def test_images_are_shifted_by_one_pixel_at_most():
    image = np.zeros((500, 8, 8), np.float32)
    image[:, 3, 4] = 1
    shifted = shift_at_random(image, np.random.default_rng(0))
    assert shifted.shape == image.shape
    _, rows, columns = np.nonzero(shifted)
    assert set(zip(rows, columns, strict=True)) == {
        (row, column) for row in (2, 3, 4) for column in (3, 4, 5)
    }


# what it says of the networks


def test_hooks_set_what_the_table_says():
    custom = build_custom(seed=0, spiking=True)
    for layer in custom.layers[1], custom.layers[3]:
        ensemble = layer.calls[0].ensemble
        np.testing.assert_array_equal(ensemble.gain, RATE_PER_UNIT)
        np.testing.assert_array_equal(ensemble.bias, 0)
    assert {each.name for each in NetworkGraph(custom.network).parameters if each.is_trained} == {
        f"{layer}.{name}" for layer in ("conv1", "conv2", "readout") for name in ("kernel", "bias")
    }


def _layers(graph):
    return [
        (each.name, each.kind, each.shape_in, each.shape_out, each.path[0].seed)
        for each in graph.objects
        if each.kind != "probe"
    ]


def _synapses(graph):
    return {
        (edge.source.name, edge.target.name): edge.connection.synapse
        for edge in graph.edges
        if edge.connection is not None
    }


def test_networks_differ_in_response_curves_and_biases_alone():
    graphs, kernels = [], []
    for build in build_custom, build_stock:
        tf.keras.utils.set_random_seed(0)
        network = build(seed=0, spiking=True).network
        with simulator(network) as sim:
            graph = NetworkGraph(sim)
            values = {each.name: graph.value(each) for each in graph.parameters}
        graphs.append(graph)
        kernels.append({name: values[name] for name in values if name.endswith("kernel")})
    custom, stock = graphs
    assert _layers(custom) == _layers(stock)
    assert _synapses(custom) == _synapses(stock)
    assert list(kernels[0]) == ["conv1.kernel", "conv2.kernel", "readout.kernel"]
    for name, kernel in kernels[0].items():
        np.testing.assert_array_equal(kernel, kernels[1][name], err_msg=name)
    trained = [{each.name for each in graph.parameters if each.is_trained} for graph in graphs]
    assert trained[1] - trained[0] == {"neurons1.bias", "neurons2.bias"}
    assert trained[0] < trained[1]


def test_report_fits_a_terminal_and_gives_every_number(small_run):
    (custom, stock), report, picture = small_run
    lines = report.splitlines()
    assert all(len(line) <= 80 for line in lines if not line.startswith("Picture"))
    rows = [" ".join(line.split()) for line in lines]
    for row in (
        "conv1 (8, 8, 1) (6, 6, 32) kernel, bias",
        "neurons1 (6, 6, 32) (6, 6, 32) gain 200, bias 0 nothing",
        "conv2 (6, 6, 32) (4, 4, 64) 5 ms kernel, bias",
        "readout (1024,) (10,) 20 ms kernel, bias",
    ):
        assert row in rows
    for name, values in {
        "read right by rate neurons": [f"{e.rate_accuracy:.1%}" for e in (custom, stock)],
        "read right by spiking neurons after 40 ms": [
            f"{e.accuracy[-1]:.1%}" for e in (custom, stock)
        ],
        "mean firing rate": [f"{e.mean_rate:.0f} Hz" for e in (custom, stock)],
        "values that are trained": ["29,066", "31,242"],
    }.items():
        assert " ".join([name, *values]) in rows
    assert "The 2,176 biases" in report
    assert f"Picture: {picture}" in report
    assert "\x1b" not in report


def test_picture_is_drawn(small_run):
    pixels = imread(small_run[2])
    assert pixels.shape == (900, 1350, 4)
    assert pixels.std() > 0.05
    assert Path(small_run[2]).stat().st_size < 300_000


# the command


def test_arguments_reach_the_demonstration(calls, tmp_path):
    out = tmp_path / "new" / "picture.svg"
    assert main(["demo", "--epochs", "3", "--seed", "7", "--out", str(out)]) == 0
    (call,) = calls
    assert (call["epochs"], call["seed"], call["out"]) == (3, 7, out)
    assert not out.exists()


def test_defaults(calls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["demo"]) == 0
    assert (calls[0]["epochs"], calls[0]["seed"]) == (40, 0)
    assert calls[0]["out"] == Path("demo-output", "digits.png")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--epochs", "0"], "argument --epochs: expected 1 or more, got 0"),
        (["--epochs", "2.5"], "argument --epochs: expected a whole number, got '2.5'"),
        (["--seed", "-1"], "argument --seed: expected 0 to 2,147,483,647, got -1"),
        (["--out", "digits.txt"], "argument --out: expected the name of a .png, .pdf, .svg file"),
    ],
)
def test_wrong_arguments(calls, capsys, arguments, says):
    with pytest.raises(SystemExit) as caught:
        main(["demo", *arguments])
    assert caught.value.code == 2
    assert says in capsys.readouterr().err
    assert not calls


def test_out_that_cannot_be_written(calls, capsys, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    for out in tmp_path / "file" / "digits.png", tmp_path / "folder.png":
        assert main(["demo", "--out", str(out)]) == 1
        says = capsys.readouterr().err
        assert says.startswith("The picture can't be written (--out): ")
        assert str(tmp_path) in says
    assert not calls


def test_checking_out_leaves_a_file_that_exists_alone(calls, tmp_path):
    out = tmp_path / "digits.png"
    out.write_bytes(b"before")
    assert main(["demo", "--out", str(out)]) == 0
    assert out.read_bytes() == b"before"


def test_packages_that_are_missing(calls, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert main(["demo"]) == 1
    assert capsys.readouterr().err == (
        'The demo needs scikit-learn, not installed here: pip install "nengo-layers-plus[demo]"\n'
    )
    assert not calls


def test_help(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["demo", "--help"])
    assert caught.value.code == 0
    said = capsys.readouterr().out
    assert all(option in said for option in ("--epochs N", "--seed N", "--out FILE"))
