"""What the libraries on torch share: layers, training, and how time runs through them."""

from __future__ import annotations

import abc
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import torch

from benchmarks.peers.stored_layers import StoredLayer
from benchmarks.peers.worker import Run, Worker


class TorchWorker(Worker):
    """
    A library on torch.

    Layers have no memory, hence each is applied to all steps at once, with time folded into the
    batch, and neurons alone run along time. That is quicker than the loop over the steps of the
    whole network that some tutorials show. Time is the first axis, as these libraries have it.
    Channels are the last one in memory (torch calls that ``channels_last``), which is quicker than
    torch's default on a CPU, and is the layout of the input. Products are of 32 bits on a GPU as
    well.

    ``torch.compile`` is not used. It makes the loops over steps faster, but unrolls them first,
    which can take minutes for the sizes here, anew for each of them.
    """

    package = ""
    """The library's name in the package index."""

    input_factor = 1.0
    """What currents are multiplied by; the weights and biases that make them hold it."""

    def __init__(self, device: str, threads: int, equation: str) -> None:
        super().__init__(device, threads, equation)
        if device == "gpu" and not torch.cuda.is_available():
            raise RuntimeError(f"torch {torch.__version__} sees no GPU")
        torch.set_num_threads(threads)
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False
        self.place = torch.device("cuda" if device == "gpu" else "cpu")
        self.network: torch.nn.Module | None = None

    @abc.abstractmethod
    def neurons(self) -> torch.nn.Module:
        """Return neurons that take currents (time, batch, ...), and return spikes like them."""

    @abc.abstractmethod
    def trace(self, currents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return spikes and the voltage behind each step, for currents (time, batch, size)."""

    def versions(self) -> dict[str, str]:
        """Return the versions of the library and of torch."""
        return {
            self.package: version(self.package),
            "torch": torch.__version__,
            "gpu": torch.cuda.get_device_name() if self.device == "gpu" else "none",
        }

    def respond(self, currents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Run neurons; see `Worker`."""
        with torch.no_grad():
            given = self._tensor(_time_first(currents)) * self.input_factor
            return tuple(_time_second(each.cpu().numpy()) for each in self.trace(given))

    def predict(self, layers: list[StoredLayer], images: np.ndarray) -> Run:
        """Build a network; see `Worker`."""
        self.network = network = self._build(layers)
        given = _time_first(images)

        def run() -> np.ndarray:
            with torch.inference_mode():
                return network(self._tensor(given)).cpu().numpy()

        return run

    def fit(
        self,
        layers: list[StoredLayer],
        images: np.ndarray,
        labels: np.ndarray,
        minibatch: int,
        learning_rate: float,
    ) -> Run:
        """Build a network to train it; see `Worker`."""
        self.network = network = self._build(layers)
        optimizer = torch.optim.SGD(self._groups(learning_rate))
        batches = [
            (_time_first(images[start : start + minibatch]), labels[start : start + minibatch])
            for start in range(0, len(images), minibatch)
        ]

        def run() -> np.ndarray:
            losses = []
            for given, wanted in batches:
                optimizer.zero_grad(set_to_none=True)
                output = network(self._tensor(given)).mean(0)
                loss = torch.nn.functional.cross_entropy(output, self._tensor(wanted))
                loss.backward()
                optimizer.step()
                losses.append(loss.detach())
            if self.device == "gpu":
                torch.cuda.synchronize()  # the last update as well
            return torch.stack(losses).mean().reshape(1).cpu().numpy()

        return run

    def to_common(self, output: np.ndarray) -> np.ndarray:
        """Return (batch, time, size)."""
        return _time_second(output)

    def first_kernel(self) -> np.ndarray:
        """Return the first weights; see `Worker`."""
        assert self.network is not None
        kernel = next(self.network.parameters()).detach().cpu().numpy()
        kernel = kernel.transpose(2, 3, 1, 0) if kernel.ndim == 4 else kernel.T
        return kernel / self.input_factor

    def close(self) -> None:
        """Let go of the network."""
        self.network = None
        if self.device == "gpu":
            torch.cuda.empty_cache()

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array).to(self.place)

    def _build(self, layers: list[StoredLayer]) -> torch.nn.Module:
        *hidden, last = layers
        modules: list[torch.nn.Module] = []
        for layer in hidden:
            modules += [AllSteps(_module(layer, self.input_factor)), self.neurons()]
        if last.image_shape:
            modules.append(torch.nn.Flatten(2))
        modules.append(AllSteps(_module(last, 1.0)))
        return torch.nn.Sequential(*modules).to(self.place)

    def _groups(self, learning_rate: float) -> list[dict[str, object]]:
        """Have weights that hold a factor change as they would without it."""
        assert self.network is not None
        *hidden, last = [each for each in self.network if isinstance(each, AllSteps)]
        scaled = [parameter for each in hidden for parameter in each.parameters()]
        return [
            {"params": scaled, "lr": learning_rate * self.input_factor**2},
            {"params": list(last.parameters()), "lr": learning_rate},
        ]


class AllSteps(torch.nn.Module):
    """
    A layer that takes all steps as one batch.

    Parameters
    ----------
    layer : torch.nn.Conv2d or torch.nn.Linear
        The layer.
    """

    def __init__(self, layer: torch.nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Apply the layer to values (time, batch, ...), of which channels are the last axis."""
        folded = values.flatten(0, 1)
        if isinstance(self.layer, torch.nn.Conv2d):
            # The axes are renamed, and nothing is moved in memory.
            folded = self.layer(folded.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        else:
            folded = self.layer(folded)
        return folded.unflatten(0, values.shape[:2])


class EachStep(torch.nn.Module):
    """
    Neurons that take one step at a time.

    Parameters
    ----------
    step : callable
        Takes currents (batch, ...) and a state; returns spikes and the next state.
    start : object
        The first state.
    """

    def __init__(
        self, step: Callable[..., tuple[torch.Tensor, object]], start: object = None
    ) -> None:
        super().__init__()
        self.step = step
        self.start = start

    def forward(self, currents: torch.Tensor) -> torch.Tensor:
        """Return the spikes of all steps, for currents (time, batch, ...)."""
        state, spikes = self.start, []
        for current in currents:
            spike, state = self.step(current, state)
            spikes.append(spike)
        return torch.stack(spikes)


def _module(layer: StoredLayer, factor: float) -> torch.nn.Module:
    *size, n_inputs, n_outputs = layer.kernel.shape
    kernel = torch.from_numpy(layer.kernel * np.float32(factor))
    bias = torch.from_numpy(layer.bias * np.float32(factor))
    if layer.is_convolution:
        kernel = kernel.permute(3, 2, 0, 1)
        module: torch.nn.Module = torch.nn.Conv2d(n_inputs, n_outputs, tuple(size), layer.strides)
        module = module.to(memory_format=torch.channels_last)
    else:
        kernel = kernel.T
        module = torch.nn.Linear(n_inputs, n_outputs)
    with torch.no_grad():
        module.weight.copy_(kernel)
        module.bias.copy_(bias)
    return module


def _time_first(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values.swapaxes(0, 1))


def _time_second(values: np.ndarray) -> np.ndarray:
    return values.swapaxes(0, 1)
