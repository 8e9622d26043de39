"""The surrogates that there are, by name."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from typing import overload

from nengo.exceptions import ValidationError

from nengo_layers_plus._declared import as_number
from nengo_layers_plus.surrogate._surrogate_function import Function, SurrogateKind

_KINDS: dict[str, SurrogateKind] = {}


@overload
def register(primitive: Function) -> SurrogateKind: ...


@overload
def register(
    *, slope: Function | None = None, source: str = ""
) -> Callable[[Function], SurrogateKind]: ...


def register(
    primitive: Function | None = None, *, slope: Function | None = None, source: str = ""
) -> SurrogateKind | Callable[[Function], SurrogateKind]:
    """
    Add a surrogate, written as one function.

    Parameters
    ----------
    primitive : callable
        The smooth function that stands for the step: takes a namespace ``xp`` with NumPy's
        function names, the distance from the threshold, and arguments with defaults, which must be
        above 0. Its name is that of the surrogate.
    slope : callable, optional
        The derivative of the primitive, with the same arguments. Not needed: TensorFlow finds it.
        A slope of another scale than the derivative is a choice that some make; `check_neuron`
        will say that the gradient is not that of the primitive.
    source : str
        Where it was published.

    Returns
    -------
    kind : SurrogateKind
        Call it with values of the arguments.

    Raises
    ------
    nengo.exceptions.ValidationError
        If it is no function, if its arguments have no defaults, or if there is another surrogate
        of this name.

    Examples
    --------
    >>> from nengo_layers_plus import surrogate
    >>> @surrogate.register(source="an example")
    ... def hyperbolic_tangent(xp, x, steepness=1.0):
    ...     return 0.5 * (1 + xp.tanh(steepness * x))
    >>> surrogate.get("hyperbolic_tangent")(2.0).slope([0.0, 10.0]).round(3)
    array([1., 0.])
    """

    def registered(function: Function) -> SurrogateKind:
        if not inspect.isfunction(function):
            raise ValidationError(
                f"expected a function of xp, x and arguments with defaults, got {function!r}",
                attr="primitive",
                obj=register,
            )
        name = function.__name__
        parameters = list(inspect.signature(function).parameters.values())[2:]
        without = [each.name for each in parameters if each.default is each.empty]
        if without:
            raise ValidationError(
                f"expected a default for each argument behind xp and x, got none for "
                f"{', '.join(without)}",
                attr=name,
                obj=register,
            )
        before = _KINDS.get(name)
        if before is not None and before.primitive.__module__ != function.__module__:
            raise ValidationError(
                f"there is a surrogate of this name already, from {before.primitive.__module__}; "
                "give yours another one",
                attr=name,
                obj=register,
            )
        defaults = {each.name: as_number(each.default, each.name, register) for each in parameters}
        _KINDS[name] = SurrogateKind(name, function, slope, defaults, source)
        return _KINDS[name]

    if slope is not None and not callable(slope):
        raise ValidationError(f"expected a function, got {slope!r}", attr="slope", obj=register)
    return registered if primitive is None else registered(primitive)


def get(name: str) -> SurrogateKind:
    """
    Return a surrogate by its name.

    Parameters
    ----------
    name : str
        One of `names`.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there is none of this name.

    Examples
    --------
    >>> from nengo_layers_plus import surrogate
    >>> surrogate.get("triangle")()
    surrogate.triangle(dampening=0.3, width=1.0)
    """
    if not isinstance(name, str) or name not in _KINDS:
        close = difflib.get_close_matches(str(name), _KINDS, n=1)
        meant = f"did you mean {close[0]!r}? " if close else ""
        raise ValidationError(
            f"no surrogate is called {name!r}; {meant}there are {', '.join(names())}; "
            "surrogate.register adds one",
            attr="name",
            obj=get,
        )
    return _KINDS[name]


def names() -> list[str]:
    """
    List the names of all surrogates.

    Examples
    --------
    >>> from nengo_layers_plus import surrogate
    >>> "arctan" in surrogate.names()
    True
    """
    return sorted(_KINDS)
