"""Values of all kinds as expressions."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import nengo
import numpy as np
from nengo.params import Default, FrozenObject, iter_params
from nengo.transforms import ChannelShape, SparseMatrix

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.introspection._same import same
from nengo_layers_plus.introspection._source._arguments import Arguments
from nengo_layers_plus.introspection._source._arrays import Arrays, number
from nengo_layers_plus.introspection._source._errors import NoExpressionError
from nengo_layers_plus.introspection._source._functions import Functions
from nengo_layers_plus.introspection._source._keras_layers import KerasLayers
from nengo_layers_plus.introspection._source._layout import (
    Expression,
    Item,
    Text,
    call,
    collection,
    quoted,
)
from nengo_layers_plus.introspection._source._names import Names
from nengo_layers_plus.layers._layer_wrapper import FunctionOfSeveral
from nengo_layers_plus.surrogate import SurrogateFunction

_MISSING = object()


class Values:
    """
    Writes values as expressions; what has none becomes an argument of the code.

    Attributes
    ----------
    names, arrays, functions, arguments, keras
        What the code needs for it.
    """

    def __init__(self) -> None:
        self.names = Names()
        self.arrays = Arrays(self.names)
        self.arguments = Arguments(self.names)
        self.functions = Functions(self.names, self.write)
        self.keras = KerasLayers(self)

    def write(self, value: Any, name: str, as_list: bool = False) -> Expression:
        """
        Return an expression for a value, which may be an argument.

        Parameters
        ----------
        value : object
            The value.
        name : str
            What an array or argument is called.
        as_list : bool
            Whether a list does as well for an array.
        """
        try:
            return self.expression(value, name, as_list)
        except NoExpressionError as error:
            return self.arguments.ask(value, name, str(error))

    def expression(self, value: Any, name: str, as_list: bool = False) -> Expression:
        """
        Return an expression whose value equals another one.

        Raises
        ------
        NoExpressionError
            If there is none.
        """
        if value is None or type(value) in (bool, int, float):
            return number(value)
        if isinstance(value, str):
            return Text(quoted(str(value)))
        if isinstance(value, np.generic):
            return self._numpy_scalar(value)
        if isinstance(value, np.ndarray):
            return self.arrays.write(value, name, as_list)
        if isinstance(value, tf.DType):
            return Text(f"{self.names.module('tensorflow')}.{value.name}")
        if isinstance(value, list | tuple | Mapping):
            return self._collection(value, name)
        if isinstance(value, tf.keras.layers.Layer):
            return self.keras.write(value, name)[0]
        if isinstance(value, SurrogateFunction):
            return self._surrogate(value)
        if isinstance(value, FunctionOfSeveral):
            return self._function_of_several(value, name)
        if isinstance(value, nengo.Sparse):
            return self._sparse(value, name)
        if isinstance(value, FrozenObject):
            return self._frozen(value, name)
        if isinstance(value, type):
            return Text(self.names.of(value))
        if callable(value):
            return self.functions.write(value, name)
        if hasattr(value, "tocoo"):
            return self._scipy(value, name)
        raise NoExpressionError("it is of a kind that can't be written as code")

    def _numpy_scalar(self, value: np.generic) -> Expression:
        plain = value.item()
        if isinstance(value, np.bool_ | np.int64 | np.float64):
            return number(plain)
        if not isinstance(plain, bool | int | float):
            raise NoExpressionError(f"{value.dtype} can't be written")
        return call(f"{self.names.module('numpy')}.{value.dtype.name}", number(plain))

    def _collection(self, value: Any, name: str) -> Expression:
        if isinstance(value, Mapping):
            items = [
                Item(f"{self.expression(key, name).flat()}: ", self.write(each, f"{name}.{key}"))
                for key, each in value.items()
            ]
            return collection("{", items, "}")
        brackets = ("[", "]") if isinstance(value, list) else ("(", ")")
        return collection(brackets[0], [self.write(each, name) for each in value], brackets[1])

    def _surrogate(self, value: SurrogateFunction) -> Expression:
        self.names.import_from("nengo_layers_plus", "surrogate")
        items = {key: number(each) for key, each in value.arguments}
        return call(f"surrogate.{value.name}", **items)

    def _function_of_several(self, value: FunctionOfSeveral, name: str) -> Expression:
        made = self.names.import_from("nengo_layers_plus.layers", "FunctionOfSeveral")
        return call(made, self.write(value.function, name), self.write(list(value.shapes), name))

    # transforms whose parts are matrices

    def _sparse(self, value: nengo.Sparse, name: str) -> Expression:
        if type(value) is not nengo.Sparse:
            raise NoExpressionError("it is of a class of its own")
        shape = self.write(value.shape, name)
        if isinstance(value.init, SparseMatrix):
            parts = {
                "indices": self.write(value.init.indices, f"{name}.indices"),
                "init": self.write(value.init.data, f"{name}.values"),
            }
        else:
            parts = {"init": self._scipy(value.init, name)}
        return call(self.names.of(nengo.Sparse), shape, **parts)

    def _scipy(self, value: Any, name: str) -> Expression:
        maker, data = value, {}
        if value.format in ("csr", "csc"):
            parts = (value.data, value.indices, value.indptr)
            data = dict(zip(("values", "indices", "starts"), parts, strict=True))
        else:
            maker = value.tocoo()
            data = {"values": maker.data, "rows": maker.row, "columns": maker.col}
        written = [self.write(each, f"{name}.{key}") for key, each in data.items()]
        if maker.format == "coo":
            written = [written[0], collection("(", written[1:], ")")]
        module = self.names.module("scipy.sparse")
        made: Expression = call(
            f"{module}.{type(maker).__name__}",
            collection("(", written, ")"),
            shape=self.write(tuple(map(int, value.shape)), name),
        )
        return made if maker is value else call(f"{module}.{type(value).__name__}", made)

    # objects of nengo that can't change

    def _frozen(self, value: FrozenObject, name: str) -> Expression:
        cls = type(value)
        made = self.names.of(cls)
        positional, keywords = _arguments_of(value)
        try:
            again = cls(*positional.values(), **keywords)
        except Exception as error:  # the code of a user may fail in any way
            raise NoExpressionError(f"what it was made with is not known ({error})") from error
        if not _equal(again, value):
            raise NoExpressionError("what it was made with is not known")
        return call(
            made,
            *(self.write(each, f"{name}.{key}") for key, each in positional.items()),
            **{key: self.write(each, f"{name}.{key}") for key, each in keywords.items()},
        )


def _arguments_of(value: FrozenObject) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arguments that make an object, but for those that are its defaults."""
    signature = inspect.signature(type(value))
    positional: dict[str, Any] = {}
    keywords: dict[str, Any] = {}
    open_ended = False
    for key, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            open_ended = True
            continue
        if parameter.kind is parameter.VAR_POSITIONAL:
            continue
        held = _held(value, key)
        if held is _MISSING:
            raise NoExpressionError(f"its argument {key} is not known")
        if parameter.default is not parameter.empty and _is_default(value, key, held, parameter):
            continue
        required = parameter.default is parameter.empty
        if required and parameter.kind is not parameter.KEYWORD_ONLY and not keywords:
            positional[key] = held
        else:
            keywords[key] = held
    if open_ended:
        plain = type(value)(*positional.values(), **keywords)
        for key in sorted(iter_params(value)):
            held = _held(value, key)
            if key not in signature.parameters and not same(held, getattr(plain, key, _MISSING)):
                keywords[key] = held
    return positional, keywords


def _held(value: Any, key: str) -> Any:
    held = getattr(value, key, _MISSING)
    if isinstance(held, ChannelShape):
        return held.shape
    return held


def _is_default(value: Any, key: str, held: Any, parameter: inspect.Parameter) -> bool:
    default = parameter.default
    if default is Default:
        default = getattr(type(value), key).default
    return same(held, default)


def _equal(a: FrozenObject, b: FrozenObject) -> bool:
    return all(same(getattr(a, key), getattr(b, key)) for key in iter_params(b))
