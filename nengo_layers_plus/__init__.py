"""Layers for nengo_dl that open up what they build, on today's TensorFlow.

::

    from nengo_layers_plus import CustomLayer, nengo_dl

works in any order with other imports. Every public name is loaded when it is first used. Where
nengo_dl can't work, importing this package warns, and the first name that is used raises
`UpstreamError` with what to do; ``python -m nengo_layers_plus doctor`` shows the whole picture.
"""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING, Any

from nengo_layers_plus import _upstream
from nengo_layers_plus._upstream import UpstreamError, UpstreamWarning, tf_keras_as_keras
from nengo_layers_plus._version import __version__

if TYPE_CHECKING:
    from nengo_layers_plus import graph, neurons, plot, surrogate, synapses, testing
    from nengo_layers_plus._upstream import nengo_dl
    from nengo_layers_plus.conversion import (
        ConversionError,
        KerasNetwork,
        from_keras,
    )
    from nengo_layers_plus.introspection import (
        Comparison,
        Difference,
        Divergence,
        NetworkSource,
        Summary,
        assert_same,
        compare,
        summary,
        to_source,
    )
    from nengo_layers_plus.layers import (
        Block,
        ChannelNeurons,
        CustomLayer,
        Filter,
        FiringRates,
        LayerContext,
        LayerParts,
        RateControl,
        RecurrentNeurons,
        Residual,
        Sequential,
        Trainable,
        TunedNeurons,
    )
    from nengo_layers_plus.neurons import (
        NeuronModel,
        NeuronParameter,
        StoppedGradientWarning,
        Surrogate,
    )
    from nengo_layers_plus.parameters import (
        LoadedParameters,
        MissingParameterFileError,
        ParameterError,
        ParameterFileError,
        ParameterMismatchError,
        SimulatorBuiltError,
        freeze,
        load_parameters,
        read_parameters,
        save_parameters,
        unfreeze,
    )
    from nengo_layers_plus.simulator import (
        NonFiniteError,
        Simulator,
        StoppedGradientError,
    )

__all__ = [
    "Block",
    "ChannelNeurons",
    "Comparison",
    "ConversionError",
    "CustomLayer",
    "Difference",
    "Divergence",
    "Filter",
    "FiringRates",
    "KerasNetwork",
    "LayerContext",
    "LayerParts",
    "LoadedParameters",
    "MissingParameterFileError",
    "NetworkSource",
    "NeuronModel",
    "NeuronParameter",
    "NonFiniteError",
    "ParameterError",
    "ParameterFileError",
    "ParameterMismatchError",
    "RateControl",
    "RecurrentNeurons",
    "Residual",
    "Sequential",
    "Simulator",
    "SimulatorBuiltError",
    "StoppedGradientError",
    "StoppedGradientWarning",
    "Summary",
    "Surrogate",
    "Trainable",
    "TunedNeurons",
    "UpstreamError",
    "UpstreamWarning",
    "__version__",
    "assert_same",
    "compare",
    "freeze",
    "from_keras",
    "graph",
    "load_parameters",
    "nengo_dl",
    "neurons",
    "plot",
    "read_parameters",
    "save_parameters",
    "summary",
    "surrogate",
    "synapses",
    "testing",
    "tf_keras_as_keras",
    "to_source",
    "unfreeze",
]

# public name: the module that holds it, or that it is
_HOMES = {
    "ConversionError": "conversion",
    "KerasNetwork": "conversion",
    "from_keras": "conversion",
    "Comparison": "introspection",
    "Difference": "introspection",
    "Divergence": "introspection",
    "NetworkSource": "introspection",
    "Summary": "introspection",
    "assert_same": "introspection",
    "compare": "introspection",
    "summary": "introspection",
    "to_source": "introspection",
    "Block": "layers",
    "ChannelNeurons": "layers",
    "CustomLayer": "layers",
    "Filter": "layers",
    "FiringRates": "layers",
    "LayerContext": "layers",
    "LayerParts": "layers",
    "RateControl": "layers",
    "RecurrentNeurons": "layers",
    "Residual": "layers",
    "Sequential": "layers",
    "Trainable": "layers",
    "TunedNeurons": "layers",
    "LoadedParameters": "parameters",
    "MissingParameterFileError": "parameters",
    "ParameterError": "parameters",
    "ParameterFileError": "parameters",
    "ParameterMismatchError": "parameters",
    "SimulatorBuiltError": "parameters",
    "freeze": "parameters",
    "load_parameters": "parameters",
    "read_parameters": "parameters",
    "save_parameters": "parameters",
    "unfreeze": "parameters",
    "Simulator": "simulator",
    "NeuronModel": "neurons",
    "NeuronParameter": "neurons",
    "StoppedGradientWarning": "neurons",
    "Surrogate": "neurons",
    "StoppedGradientError": "simulator",
    "NonFiniteError": "simulator",
    "graph": "graph",
    "neurons": "neurons",
    "plot": "plot",
    "surrogate": "surrogate",
    "synapses": "synapses",
    "testing": "testing",
    "nengo_dl": "_upstream",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    _upstream.require()
    home = importlib.import_module(f"{__name__}.{_HOMES[name]}")
    value = home if name == _HOMES[name] else getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if _upstream.is_command():
    # A command says what is wrong in its own output; one that only shows its help imports
    # no TensorFlow.
    _upstream.silence_tensorflow()
elif (_failure := _upstream.import_failure()) is not None:
    warnings.warn(f"nengo_layers_plus can't work here.\n{_failure}", UpstreamWarning, stacklevel=2)
