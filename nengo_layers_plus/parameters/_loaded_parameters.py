"""What loading parameters did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nengo_layers_plus.graph import Shape


@dataclass(frozen=True)
class LoadedParameters:
    """
    What `load_parameters` loaded, and what it did not.

    Parameters
    ----------
    loaded : tuple of str
        Names of the parameters that have the saved values now.
    missing : tuple of str
        Names of parameters of the network that were not saved; they keep their values.
    extra : tuple of str
        Names that were saved and that no parameter of the network has.
    other_shape : Mapping
        By name, the shape that was saved and that of the network, where they differ; these keep
        their values.
    other_amplitude : Mapping
        By the names of gains and biases, the amplitude of the neurons where they were saved and
        here, where they are others and the gains are not scaled in return; these keep their
        values.
    contradicted : Mapping
        By the names of what the network itself gives numbers for, such as ``"hidden.gain"`` or
        ``"hidden.max_rates"``, what was saved and what it gives, in words, where they differ.
        What follows of these keeps its values.
    """

    loaded: tuple[str, ...]
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    other_shape: Mapping[str, tuple[Shape, Shape]] = field(default_factory=dict)
    other_amplitude: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    contradicted: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether all that was saved was loaded, and all of the network."""
        return not (
            self.missing
            or self.extra
            or self.other_shape
            or self.other_amplitude
            or self.contradicted
        )
