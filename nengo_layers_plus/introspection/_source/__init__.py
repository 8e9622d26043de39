"""Networks as the plain code that builds them."""

from nengo_layers_plus.introspection._source._network_source import NetworkSource
from nengo_layers_plus.introspection._source._to_source import to_source

__all__ = ["NetworkSource", "to_source"]
