"""What was made of a network, layer by layer."""

from nengo_layers_plus.introspection._summary._activity import Activity
from nengo_layers_plus.introspection._summary._summarise import summary
from nengo_layers_plus.introspection._summary._summary import Summary
from nengo_layers_plus.introspection._summary._summary_input import SummaryInput
from nengo_layers_plus.introspection._summary._summary_row import SummaryRow
from nengo_layers_plus.introspection._summary._summary_setting import SummarySetting

__all__ = ["Activity", "Summary", "SummaryInput", "SummaryRow", "SummarySetting", "summary"]
