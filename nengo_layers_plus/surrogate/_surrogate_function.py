"""A smooth function that stands for the step of a spike where gradients are concerned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nengo.exceptions import ValidationError

from nengo_layers_plus._declared import derivative, is_finite, namespace_of

Function = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class SurrogateKind:
    """
    A family of surrogates: calling it with values of its arguments makes a `SurrogateFunction`.

    Parameters
    ----------
    name : str
        Its name in the registry.
    primitive : callable
        Takes a namespace, the distance from the threshold and the arguments.
    slope : callable or None
        The derivative of the primitive, with the same arguments; None: found by TensorFlow.
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
        """Return the surrogate with some values for its arguments."""
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
        return SurrogateFunction(self, tuple((name, float(each)) for name, each in values.items()))

    def __str__(self) -> str:
        return f"surrogate.{self.name}"

    def __reduce__(self) -> Any:
        from nengo_layers_plus.surrogate._registry import get

        return get, (self.name,)


@dataclass(frozen=True)
class SurrogateFunction:
    """
    A smooth function of the distance of a membrane from its threshold, and its slope.

    A spike is a step of that distance: it has no slope that could train. In training the slope of
    the smooth function is taken in its place, while what is computed stays the step.

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
