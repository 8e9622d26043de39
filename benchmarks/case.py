"""What is measured: a network in use, at one size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import nengo

from benchmarks.networks import LIF, BenchmarkNetwork
from nengo_layers_plus import CustomLayer, nengo_dl
from nengo_layers_plus._upstream import tf

# what each case compares; "keras" joins them where the case says what plain tf.keras applies
STANDARD_MEMBERS = ("stock", "layer", "ours")
MEMBERS = (*STANDARD_MEMBERS, "keras")
USES = ("predict", "fit")


@dataclass(frozen=True)
class PlainLayers:
    """What plain tf.keras applies in the place of a network."""

    make: Callable[[], list[tf.keras.layers.Layer]]  # returns new layers at each call
    shape: tuple[int, ...]  # of one sample


@dataclass(frozen=True, eq=False)
class Case:
    """A network in use, whose members are measured side by side."""

    network: str
    build: Callable[[Any, Any], BenchmarkNetwork]  # takes a class of layers and a type of neurons
    use: str = "predict"  # what is timed, or "fit", which trains for one epoch
    minibatch: int = 10  # samples at once
    n_steps: int = 10
    batches: int = 1  # minibatches of one timed call
    neurons: nengo.neurons.NeuronType = LIF
    layer: Callable[..., Any] = CustomLayer  # of "layer" and "ours"
    stock_layer: Callable[..., Any] = nengo_dl.Layer
    members: tuple[str, ...] = STANDARD_MEMBERS  # "stock" is one, or numbers are not compared
    plain: PlainLayers | None = None  # what plain tf.keras applies, for the member "keras"
    label: str = ""  # in names, where one network is measured in several ways
    suite: str = "own"
    axis: str = ""  # what grows from case to case: "neurons", "steps" or "minibatch"
    target: float | None = None  # how many times as fast as "stock" ours shall be
    memory_target: int | None = None  # how many bytes ours shall take at most
    quick: bool = False  # whether it is part of the quick run
    in_python: bool = False  # whether "stock" steps neurons in Python, as nengo_dl alone does
    # builds another network for our Simulator, which is then what is called "stock"
    beside: Callable[[Any, Any], BenchmarkNetwork] | None = None
    same: bool = True  # whether the members give the same numbers
    fed: bool = True  # whether the network gets data; else its input is constant
    # whether the data of a sample is constant in time, as of an image that is shown: our Simulator
    # computes what depends on it alone only once
    still: bool = False

    def __post_init__(self) -> None:
        name = f"case {self.label or self.network!r}"
        if self.use not in USES:
            raise ValueError(f"{name}: expected a use of {', '.join(USES)}, got {self.use!r}")
        unknown = [member for member in self.members if member not in MEMBERS]
        if unknown or not self.members:
            got = ", ".join(map(repr, unknown)) or "none"
            raise ValueError(f"{name}: expected members of {', '.join(MEMBERS)}, got {got}")
        for key in ("minibatch", "n_steps", "batches"):
            if getattr(self, key) < 1:
                raise ValueError(f"{name}: expected {key} >= 1, got {getattr(self, key)!r}")
        if "keras" in self.members and self.plain is None:
            raise ValueError(
                f'{name} has the member "keras"; give plain=PlainLayers(...), the layers that '
                "tf.keras shall apply"
            )

    @property
    def size(self) -> str:
        """Minibatch and steps, e.g. ``10x50``."""
        return f"{self.minibatch}x{self.n_steps}"

    @property
    def name(self) -> str:
        """Its name, which stays the same from version to version."""
        words = [self.label or self.network, None if self.beside else self.use, self.size]
        return "-".join(filter(None, words))

    @property
    def key(self) -> str:
        """The name with that of the suite."""
        return f"{self.suite}/{self.name}"

    @property
    def group(self) -> str:
        """The name of its members' group."""
        return self.group_of(self.use)

    def group_of(self, use: str) -> str:
        """Return the name of a group where the network is used in another way, e.g. "build"."""
        return f"{self.suite}: {self.label or self.network} {use} {self.size}"

    @property
    def samples_steps(self) -> int:
        """Samples times steps of one timed call."""
        return self.minibatch * self.batches * self.n_steps

    def describe(
        self, member: str, device: str, n_neurons: int, use: str | None = None
    ) -> dict[str, Any]:
        """Describe it for reports; ``use`` is given where it is not that of the case."""
        own = ("suite", "network", "minibatch", "n_steps", "batches")
        info = {
            **{name: getattr(self, name) for name in own},
            "label": self.label or self.network,
            "use": use or self.use,
            "neurons": type(self.neurons).__name__,
            "member": member,
            "n_neurons": n_neurons,
            "device": device,
            "axis": self.axis or None,
            "target": self.target,
            "peak_memory_target": self.memory_target,
        }
        return {name: value for name, value in info.items() if value is not None}

    def build_for(self, member: str) -> BenchmarkNetwork:
        """Build the network of "stock", "layer" or "ours"."""
        build = (self.beside or self.build) if member == "stock" else self.build
        built = build(self.stock_layer if member == "stock" else self.layer, self.neurons)
        if not isinstance(built, BenchmarkNetwork):
            raise TypeError(
                f"case {self.name!r}: expected {getattr(build, '__name__', build)} to return a "
                f"BenchmarkNetwork(network, input, probe), got {built!r}"
            )
        return built
