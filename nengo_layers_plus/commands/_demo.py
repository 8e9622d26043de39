"""``demo``: train and run a spiking network on real handwritten digits."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# module: the package that brings it
_NEEDED = {"matplotlib": "matplotlib", "sklearn": "scikit-learn"}
_FORMATS = (".png", ".pdf", ".svg")


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
        type=_integer_of("1 or more", range(1, sys.maxsize)),
        default=40,
        metavar="N",
        help="how often each image is learned from (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=_integer_of("0 to 2,147,483,647", range(2**31)),
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
    try:
        _check_writable(arguments.out)
    except OSError as error:
        print(f"The picture can't be written (--out): {error}", file=sys.stderr)
        return 1

    from rich.console import Console

    from nengo_layers_plus.commands import _digits_example

    _digits_example.demonstrate(
        _digits_example.split_digits(arguments.seed),
        epochs=arguments.epochs,
        seed=arguments.seed,
        out=arguments.out,
        console=Console(),
    )
    return 0


def _integer_of(words: str, allowed: range) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}") from None
        if number not in allowed:
            raise argparse.ArgumentTypeError(f"expected {words}, got {number}")
        return number

    return parse


def _parse_out(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in _FORMATS:
        raise argparse.ArgumentTypeError(
            f"expected the name of a {', '.join(_FORMATS)} file, got {text!r}"
        )
    return path


def _check_writable(path: Path) -> None:
    """Raise, before the training, if a file can't be written after it."""
    is_new = not os.path.lexists(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab"):
        pass
    if is_new:
        path.unlink()
