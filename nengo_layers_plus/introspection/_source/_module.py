"""The text of the module that builds a network."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from nengo_layers_plus.introspection._source._body import comment_lines
from nengo_layers_plus.introspection._source._functions import constant_line
from nengo_layers_plus.introspection._source._layout import Text, call, lay_out, lay_out_signature
from nengo_layers_plus.introspection._source._network_writer import NetworkWriter
from nengo_layers_plus.introspection._source._values import Values


def module_text(writer: NetworkWriter, given: Sequence[str], summary: str, returned: str) -> str:
    """
    Return the text of a module with a function ``build``.

    Parameters
    ----------
    writer : NetworkWriter
        Has written the statements.
    given : sequence of str
        Arguments that come first.
    summary : str
        What the function does.
    returned : str
        What it returns.
    """
    values = writer.values
    asked = [name for name in values.arguments.reasons if name not in given]
    parameters = [*given, *asked]
    head = []
    if values.arrays.kept:
        parameters.append("arrays=None")
        path = values.names.import_from("pathlib", "Path")
        load = values.names.import_from("safetensors.numpy", "load_file")
        beside = call(load, Text(f'{path}(__file__).with_suffix(".safetensors")'))
        head = ["    if arrays is None:", *lay_out(beside, 8, "arrays = ")]
    functions = values.functions
    above: list[str] = []
    if functions.constants:
        above += ["", *(constant_line(*each) for each in functions.constants.items())]
    if functions.definitions:
        above += ["", "", "# fmt: off", *_definitions(values), "# fmt: on"]
    above += ["", ""]
    if asked:
        above += comment_lines("What can't be written as code is asked for:")
        for name in asked:
            above += comment_lines(f"{name}: {values.arguments.reasons[name]}", hanging="  ")
    below = [*lay_out_signature("build", parameters), f'    """{summary}"""', *head, *writer.lines]
    below.append(f"    return {returned}")
    lines = [f'"""{summary}"""', ""]
    if any(map(_is_annotated, functions.definitions)):
        lines += ["from __future__ import annotations", ""]
    definitions = _definitions(values)
    lines += values.names.import_lines("\n".join([*definitions, *below]))
    return "\n".join([*lines, *above, *below]) + "\n"


def _definitions(values: Values) -> list[str]:
    lines: list[str] = []
    for each in values.functions.definitions:
        lines += ["", "", *each.lines] if lines else each.lines
    return lines


def _is_annotated(definition: Any) -> bool:
    head = textwrap.dedent("\n".join(definition.lines)).partition("\n")[0]
    return "->" in head or ": " in head.partition("(")[2].rpartition(")")[0]
