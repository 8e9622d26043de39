"""The commands of ``python -m nengo_layers_plus``.

A command is a module in this folder, named in `COMMANDS`, with two functions:

``add_parser(subparsers)``
    adds its parser, with ``parser.set_defaults(run=run)``;
``run(arguments) -> int``
    does the work and returns the exit status. What is heavy is imported here, so that ``--help``
    is not slow.
"""

COMMANDS = ("_demo", "_doctor")
