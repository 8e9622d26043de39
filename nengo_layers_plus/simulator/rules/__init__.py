"""How operators are lowered: one rule a type of operator."""

from nengo_layers_plus.simulator.rules._rule import Rule, register, rule_for

# Each of these registers the rules that it has.
from nengo_layers_plus.simulator.rules import (  # noqa: F401  # isort: skip
    _arithmetic,
    _convolution,
    _neurons,
    _process,
    _python,
    _tensor_node,
)

__all__ = ["Rule", "register", "rule_for"]
