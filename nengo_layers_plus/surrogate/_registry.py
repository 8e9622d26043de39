"""Surrogates: families of smooth functions, their members, and the registry of the families."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, overload

from nengo.exceptions import ValidationError

from nengo_layers_plus._declared import as_number, derivative, is_finite, namespace_of

Function = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class SurrogateKind:
    """
    A family of surrogates: called with values of its arguments, it returns a `SurrogateFunction`.

    Parameters
    ----------
    name : str
        Its name in the registry.
    primitive : callable
        Takes a namespace, the distance from the threshold and the arguments.
    slope : callable or None
        The derivative of the primitive, with the same arguments; None: derived by TensorFlow.
    defaults : Mapping
        The arguments and their defaults.
    source : str
        Where it was published.
    """

    name: str
    primitive: Function
    slope: Function | None
    defaults: Mapping[str, float]
    source: str

    def __call__(self, *args: float, **kwargs: float) -> SurrogateFunction:
        """Return the surrogate with these values of the arguments."""
        values = dict(zip(self.defaults, args, strict=False))
        twice = [name for name in kwargs if name in values]
        unknown = [name for name in kwargs if name not in self.defaults]
        if len(args) > len(self.defaults) or twice or unknown:
            takes = ", ".join(f"{name}={value}" for name, value in self.defaults.items())
            raise ValidationError(
                f"expected at most these arguments, each once: {takes or 'none'}; got "
                f"{', '.join([*map(repr, args), *(f'{k}={v!r}' for k, v in kwargs.items())])}",
                attr=self.name,
                obj=self,
            )
        values = {**self.defaults, **values, **kwargs}
        for name, value in values.items():
            if not is_finite(value) or value <= 0:
                raise ValidationError(
                    f"expected a number above 0 for {name}, got {value!r}", attr=self.name, obj=self
                )
        return SurrogateFunction(
            self, tuple((name, float(value)) for name, value in values.items())
        )

    def __str__(self) -> str:
        return f"surrogate.{self.name}"

    def __reduce__(self) -> Any:
        return get, (self.name,)


@dataclass(frozen=True)
class SurrogateFunction:
    """
    A smooth function of the distance of a membrane from its threshold, and its slope.

    A spike is a step function of that distance, whose derivative is 0. In training the slope of the
    smooth function replaces that derivative; the forward pass keeps the step.

    Parameters
    ----------
    kind : SurrogateKind
        The family.
    arguments : tuple of (str, float)
        The values of its arguments.

    Examples
    --------
    >>> from nengo_layers_plus import surrogate
    >>> smooth = surrogate.arctan(2.0)
    >>> smooth
    surrogate.arctan(alpha=2.0)
    >>> float(smooth.primitive(0.0)), float(smooth.slope(0.0))
    (0.5, 1.0)
    """

    kind: SurrogateKind
    arguments: tuple[tuple[str, float], ...]

    @property
    def name(self) -> str:
        """Its name in the registry."""
        return self.kind.name

    @property
    def source(self) -> str:
        """Where it was published."""
        return self.kind.source

    def primitive(self, x: Any) -> Any:
        """
        Return the smooth function.

        Parameters
        ----------
        x : array_like or tf.Tensor
            The distance from the threshold.
        """
        xp, x = namespace_of(x)
        return self.kind.primitive(xp, x, **dict(self.arguments))

    def slope(self, x: Any) -> Any:
        """
        Return the derivative of the smooth function.

        Parameters
        ----------
        x : array_like or tf.Tensor
            The distance from the threshold.
        """
        xp, x = namespace_of(x)
        if self.kind.slope is None:
            return derivative(self.primitive, x)
        return self.kind.slope(xp, x, **dict(self.arguments))

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.arguments)
        return f"surrogate.{self.name}({arguments})"


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
    Register a family of surrogates, written as one function.

    Parameters
    ----------
    primitive : callable
        The smooth function that stands for the step: takes a namespace ``xp`` with NumPy's
        function names, the distance from the threshold, and arguments with defaults, which must be
        above 0. Its name is that of the surrogate.
    slope : callable, optional
        The derivative of the primitive, with the same arguments. By default TensorFlow derives it.
        A slope of another scale than the derivative is possible; `check_neuron` reports that the
        gradient is not that of the primitive.
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
        without = [item.name for item in parameters if item.default is item.empty]
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
        defaults = {item.name: as_number(item.default, item.name, register) for item in parameters}
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
