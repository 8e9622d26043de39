"""How two networks differ."""

from nengo_layers_plus.introspection._comparison._compare import assert_same, compare
from nengo_layers_plus.introspection._comparison._comparison import Comparison
from nengo_layers_plus.introspection._comparison._difference import Difference
from nengo_layers_plus.introspection._comparison._divergence import Divergence
from nengo_layers_plus.introspection._comparison._gradient_difference import GradientDifference

__all__ = [
    "Comparison",
    "Difference",
    "Divergence",
    "GradientDifference",
    "assert_same",
    "compare",
]
