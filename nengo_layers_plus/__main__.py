"""``python -m nengo_layers_plus``: the command line."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from nengo_layers_plus import UpstreamError, __version__
from nengo_layers_plus.commands import COMMANDS


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of the command line, with one subcommand a module of `COMMANDS`."""
    parser = argparse.ArgumentParser(
        prog="python -m nengo_layers_plus",
        description="Layers for nengo_dl that open up what they build.",
        epilog="TF_CPP_MIN_LOG_LEVEL=0 in the environment shows TensorFlow's log.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        importlib.import_module(f"nengo_layers_plus.commands.{name}").add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process by default.

    Returns
    -------
    int
        The exit status.
    """
    arguments = build_parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
    except UpstreamError as error:
        print(error, file=sys.stderr)
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
