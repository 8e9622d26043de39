"""Contract checks that users run on their own layers."""

from nengo_layers_plus.testing._check_layer import BrokenPromiseError, check_layer

__all__ = ["BrokenPromiseError", "check_layer"]
