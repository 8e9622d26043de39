"""What was made of a network, layer by layer."""

from nengo_layers_plus.introspection._summary._activity import Activity
from nengo_layers_plus.introspection._summary._summary import Summary, summary
from nengo_layers_plus.introspection._summary._summary_row import (
    SummaryInput,
    SummaryRow,
    SummarySetting,
)

__all__ = ["Activity", "Summary", "SummaryInput", "SummaryRow", "SummarySetting", "summary"]
