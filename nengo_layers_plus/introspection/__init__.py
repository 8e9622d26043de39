"""What is in a network: a summary, the code that builds it, and how two networks differ."""

from nengo_layers_plus.introspection._comparison import (
    Comparison,
    Difference,
    Divergence,
    GradientDifference,
    assert_same,
    compare,
)
from nengo_layers_plus.introspection._source import NetworkSource, to_source
from nengo_layers_plus.introspection._summary import (
    Activity,
    Summary,
    SummaryInput,
    SummaryRow,
    SummarySetting,
    summary,
)

__all__ = [
    "Activity",
    "Comparison",
    "Difference",
    "Divergence",
    "GradientDifference",
    "NetworkSource",
    "Summary",
    "SummaryInput",
    "SummaryRow",
    "SummarySetting",
    "assert_same",
    "compare",
    "summary",
    "to_source",
]
