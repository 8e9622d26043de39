"""``demo``: train and run a spiking network on real handwritten digits."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from nengo_layers_plus.commands._demo_digits import Digits
    from nengo_layers_plus.commands._demo_experiment import Outcome

# module: the package that brings it
_NEEDED = {"matplotlib": "matplotlib", "sklearn": "scikit-learn"}
_FORMATS = (".png", ".pdf", ".svg")
_LARGEST_SEED = 2**31 - 1


def add_parser(subparsers: Any) -> None:
    """Add this command's parser."""
    summary = "train and run a spiking network on real handwritten digits"
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "demo",
        help=summary,
        description=(
            f"{summary.capitalize()}: the 1,797 images of 8x8 pixels that scikit-learn ships. One "
            "convolutional network is built with CustomLayer and with nengo_dl.Layer, trained "
            "with rate neurons and run with spiking ones. It takes one to two minutes on 2 cores."
        ),
    )
    parser.add_argument(
        "--epochs",
        type=_parse_epochs,
        default=40,
        metavar="N",
        help="how often each image is learned from (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=_parse_seed,
        default=0,
        metavar="N",
        help="of the split of the images, the weights, the spikes... (default: %(default)s)",
    )
    parser.add_argument(
        "--out",
        type=_parse_out,
        default=str(Path("demo-output", "digits.png")),
        metavar="FILE",
        help="the picture to write, a .png, .pdf or .svg (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    missing = [
        package for module, package in _NEEDED.items() if importlib.util.find_spec(module) is None
    ]
    if missing:
        print(
            f"The demo needs {' and '.join(missing)}, not installed here: "
            'pip install "nengo-layers-plus[demo]"',
            file=sys.stderr,
        )
        return 1
    obstacle = _find_obstacle(arguments.out)
    if obstacle is not None:
        print(f"The picture can't be written (--out): {obstacle}", file=sys.stderr)
        return 1

    from rich.console import Console

    from nengo_layers_plus.commands._demo_digits import split_digits

    demonstrate(
        split_digits(arguments.seed),
        epochs=arguments.epochs,
        seed=arguments.seed,
        out=arguments.out,
        console=Console(),
    )
    return 0


def demonstrate(
    digits: Digits, *, epochs: int, seed: int, out: Path, console: Console
) -> tuple[Outcome, Outcome]:
    """
    Train and run both networks, print what came of it, and draw a picture.

    Parameters
    ----------
    digits : Digits
        What to learn from and to test with.
    epochs : int
        How often each image is learned from.
    seed : int
        Of the networks and their training.
    out : pathlib.Path
        The picture to write.
    console : rich.console.Console
        Where to print.

    Returns
    -------
    custom, stock : Outcome
        Of the network made with CustomLayers, and of the one made with stock layers.
    """
    from rich.progress import Progress

    from nengo_layers_plus.commands import _demo_experiment, _demo_networks, _demo_picture
    from nengo_layers_plus.commands import _demo_report as report

    console.print(
        f"Two networks learn to read from {len(digits.train_labels):,} handwritten digits, and are "
        f"tested with {len(digits.test_labels):,} others (epochs: {epochs}, seed: {seed}).\n",
        highlight=False,
    )
    report.show_layers(_demo_networks.build_custom(seed, spiking=True), console)
    console.print()

    # On a terminal alone: elsewhere bars would not move.
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bars = {
            name: progress.add_task(name, total=_demo_experiment.n_advances(digits, epochs))
            for name in _demo_networks.BUILDERS
        }
        custom, stock = (
            _demo_experiment.experiment(
                name,
                build,
                digits,
                epochs=epochs,
                seed=seed,
                advance=partial(progress.advance, bars[name]),
            )
            for name, build in _demo_networks.BUILDERS.items()
        )
    report.show_results((custom, stock), console)

    _demo_picture.draw((custom, stock), digits, out)
    console.print(f"\nPicture: {out.absolute()}", highlight=False, soft_wrap=True)
    return custom, stock


def _parse_epochs(text: str) -> int:
    epochs = _parse_integer(text)
    if epochs < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got {epochs}")
    return epochs


def _parse_seed(text: str) -> int:
    seed = _parse_integer(text)
    if not 0 <= seed <= _LARGEST_SEED:
        raise argparse.ArgumentTypeError(f"expected 0 to {_LARGEST_SEED:,}, got {seed}")
    return seed


def _parse_integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}") from None


def _parse_out(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in _FORMATS:
        raise argparse.ArgumentTypeError(
            f"expected the name of a {', '.join(_FORMATS)} file, got {text!r}"
        )
    return path


def _find_obstacle(path: Path) -> OSError | None:
    """Find out, before the training, whether a file can be written after it."""
    is_new = not os.path.lexists(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab"):
            pass
        if is_new:
            path.unlink()
    except OSError as error:
        return error
    return None
