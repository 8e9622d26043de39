"""Parameters of a network by name: what of them trains, and files that hold them."""

from nengo_layers_plus.parameters._errors import (
    MissingParameterFileError,
    ParameterError,
    ParameterFileError,
    ParameterMismatchError,
    SimulatorBuiltError,
)
from nengo_layers_plus.parameters._freeze import freeze, unfreeze
from nengo_layers_plus.parameters._parameter_file import read_parameters
from nengo_layers_plus.parameters._save_and_load import (
    LoadedParameters,
    load_parameters,
    save_parameters,
)

__all__ = [
    "LoadedParameters",
    "MissingParameterFileError",
    "ParameterError",
    "ParameterFileError",
    "ParameterMismatchError",
    "SimulatorBuiltError",
    "freeze",
    "load_parameters",
    "read_parameters",
    "save_parameters",
    "unfreeze",
]
