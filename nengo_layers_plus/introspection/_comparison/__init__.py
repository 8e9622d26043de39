"""How two networks differ."""

from nengo_layers_plus.introspection._comparison._compare import assert_same, compare
from nengo_layers_plus.introspection._comparison._comparison import (
    Comparison,
    Difference,
    Divergence,
    GradientDifference,
)

__all__ = [
    "Comparison",
    "Difference",
    "Divergence",
    "GradientDifference",
    "assert_same",
    "compare",
]
