"""The text of the module that builds a network."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from nengo_layers_plus.introspection._source._body import comment_lines
from nengo_layers_plus.introspection._source._functions import Definition, constant_line
from nengo_layers_plus.introspection._source._layout import Text, call, lay_out, lay_out_signature
from nengo_layers_plus.introspection._source._network_writer import NetworkWriter


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
    below = [*lay_out_signature("build", parameters), f'    """{summary}"""', *head, *writer.lines]
    below.append(f"    return {returned}")
    used = _used(values.functions.definitions, below)
    copied = [line for each in used for line in ("", "", *each.lines)]
    words = _words([*copied, *below])
    constants = {key: each for key, each in values.functions.constants.items() if key in words}
    above: list[str] = []
    if constants:
        above += ["", *(constant_line(*each) for each in constants.items())]
    if used:
        above += ["", "", "# fmt: off", *copied[2:], "# fmt: on"]
    above += ["", ""]
    if asked:
        above += comment_lines("What can't be written as code is asked for:")
        for name in asked:
            above += comment_lines(f"{name}: {values.arguments.reasons[name]}", hanging="  ")
    lines = [f'"""{summary}"""', ""]
    if any(map(_is_annotated, used)):
        lines += ["from __future__ import annotations", ""]
    lines += values.names.import_lines("\n".join([*copied, *below]))
    return "\n".join([*lines, *above, *below]) + "\n"


def _used(definitions: Sequence[Definition], below: Sequence[str]) -> list[Definition]:
    """Leave out what was copied for something that can't be written."""
    words = _words(below)
    used: list[Definition] = []
    for each in reversed(definitions):  # one that another needs is before it
        if each.name in words:
            used.insert(0, each)
            words |= _words(each.lines)
    return used


def _words(lines: Sequence[str]) -> set[str]:
    return set(re.findall(r"\w+", "\n".join(lines)))


def _is_annotated(definition: Definition) -> bool:
    return any(
        isinstance(node, ast.AnnAssign)
        or getattr(node, "returns", None) is not None
        or getattr(node, "annotation", None) is not None
        for node in ast.walk(ast.parse("\n".join(definition.lines)))
    )
