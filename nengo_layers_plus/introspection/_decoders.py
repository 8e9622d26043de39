"""Builders of models that don't solve for decoders which nobody needs, or which are known."""

from __future__ import annotations

from collections.abc import Hashable
from types import FunctionType
from typing import Any

import nengo
import numpy as np
from nengo.builder import Model
from nengo.rc import rc
from nengo.solvers import Solver

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.introspection._same import fingerprint


class _DecoderBuilder(nengo_dl.builder.NengoBuilder):
    def build(self, model: Model, obj: Any, *args: Any, **kwargs: Any) -> Any:
        # what a solver for weights gives depends on the ensemble behind the connection as well
        if isinstance(obj, Solver) and not obj.weights:
            return self.build_decoders(model, obj, *args, **kwargs)
        return super().build(model, obj, *args, **kwargs)

    def build_decoders(
        self, model: Model, solver: Solver, connection: nengo.Connection, rng: Any
    ) -> Any:
        return super().build(model, solver, connection, rng=rng)


class WithoutDecoders(_DecoderBuilder):
    """Builds models as nengo_dl does, but with zeros for decoders."""

    def build_decoders(
        self, model: Model, solver: Solver, connection: nengo.Connection, rng: Any
    ) -> Any:
        shape = (connection.size_mid, connection.pre_obj.n_neurons)
        return None, np.zeros(shape, rc.float_dtype), {}


class SharedDecoders(_DecoderBuilder):
    """Builds models as nengo_dl does, but solves only once for decoders of the same inputs."""

    def __init__(self) -> None:
        self._solved: dict[Hashable, Any] = {}

    def build_decoders(
        self, model: Model, solver: Solver, connection: nengo.Connection, rng: Any
    ) -> Any:
        neuron_type, function = connection.pre_obj.neuron_type, connection.function
        if not all(map(_is_of_nengo, (solver, neuron_type))):  # they may depend on anything
            return super().build_decoders(model, solver, connection, rng)
        ensemble = model.params[connection.pre_obj]
        inputs = (
            rc.float_dtype,
            model.seeds[connection],
            connection.size_mid,
            # of one module, so that a function finds the same values around it
            id(function.__globals__) if isinstance(function, FunctionType) else id(function),
            fingerprint(
                (
                    *(solver, neuron_type, function, connection.pre_obj.radius),
                    *(connection.eval_points, connection.scale_eval_points),
                    *(ensemble.eval_points, ensemble.encoders, ensemble.gain, ensemble.bias),
                    np.arange(connection.pre_obj.size_out)[connection.pre_slice],
                )
            ),
        )
        if inputs not in self._solved:
            solved = super().build_decoders(model, solver, connection, rng)
            self._solved[inputs] = solved, rng.get_state()
        solved, state = self._solved[inputs]
        rng.set_state(state)
        return solved


def _is_of_nengo(obj: Any) -> bool:
    return type(obj).__module__.partition(".")[0] == "nengo"
