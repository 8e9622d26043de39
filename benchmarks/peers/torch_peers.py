"""The libraries on torch: snnTorch, SpikingJelly and Norse.

They share layers, training, and how time runs through them, and an environment. Each imports its
library itself, as the others may be missing.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from benchmarks.peers.definitions import DT, STEEPNESS, TAU, StoredLayer
from benchmarks.peers.worker import Run, Worker, serve


class TorchWorker(Worker):
    """
    A library on torch.

    Layers are applied to all steps at once, with time folded into the batch, and neurons alone run
    along time. That is quicker than the loop over the steps of the whole network that some
    tutorials show. Time is the first axis, and channels are the last one in memory, as in the
    input, which is quicker than torch's default on a CPU. ``torch.compile`` is not used: it unrolls
    the loops over steps, which can take minutes for the sizes here, anew for each of them.
    """

    package = ""  # the library's name in the package index
    input_factor = 1.0  # of currents, held by the weights and biases of their layers

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
        """Return a module that maps currents (time, batch, ...) to spikes."""

    @abc.abstractmethod
    def trace(self, currents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return spikes and the voltage behind each step, for currents (time, batch, size)."""

    def versions(self) -> dict[str, str]:
        return {
            self.package: version(self.package),
            "torch": str(torch.__version__),
            "gpu": torch.cuda.get_device_name() if self.device == "gpu" else "none",
        }

    def respond(self, currents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with torch.no_grad():
            inputs = self._tensor(_time_first(currents)) * self.input_factor
            return tuple(series.cpu().numpy().swapaxes(0, 1) for series in self.trace(inputs))

    def make_predict(self, layers: list[StoredLayer], images: np.ndarray) -> Run:
        self.network = network = self._build(layers)
        inputs = _time_first(images)

        def run() -> np.ndarray:
            with torch.inference_mode():
                return network(self._tensor(inputs)).cpu().numpy()

        return run

    def make_fit(
        self,
        layers: list[StoredLayer],
        images: np.ndarray,
        labels: np.ndarray,
        minibatch: int,
        learning_rate: float,
    ) -> Run:
        self.network = network = self._build(layers)
        optimizer = torch.optim.SGD(self._groups(learning_rate))
        batches = [
            (_time_first(images[start : start + minibatch]), labels[start : start + minibatch])
            for start in range(0, len(images), minibatch)
        ]

        def run() -> np.ndarray:
            losses = []
            for inputs, targets in batches:
                optimizer.zero_grad(set_to_none=True)
                output = network(self._tensor(inputs)).mean(0)
                loss = torch.nn.functional.cross_entropy(output, self._tensor(targets))
                loss.backward()
                optimizer.step()
                losses.append(loss.detach())
            if self.device == "gpu":
                torch.cuda.synchronize()  # the last update as well
            return torch.stack(losses).mean().reshape(1).cpu().numpy()

        return run

    def to_common(self, output: np.ndarray) -> np.ndarray:
        return output.swapaxes(0, 1)

    def first_kernel(self) -> np.ndarray:
        assert self.network is not None
        kernel = next(self.network.parameters()).detach().cpu().numpy()
        kernel = kernel.transpose(2, 3, 1, 0) if kernel.ndim == 4 else kernel.T
        return kernel / self.input_factor

    def clear(self) -> None:
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
        """Return parameters with learning rates by which scaled weights change as unscaled ones."""
        assert self.network is not None
        *hidden, last = [module for module in self.network if isinstance(module, AllSteps)]
        scaled = [parameter for module in hidden for parameter in module.parameters()]
        return [
            {"params": scaled, "lr": learning_rate * self.input_factor**2},
            {"params": list(last.parameters()), "lr": learning_rate},
        ]


class SnnTorchWorker(TorchWorker):
    """
    `snntorch.Leaky` in a loop over steps, its state handed from one to the next.

    Its membrane is ``beta v + I``, hence the factor ``1 - beta`` of the current. It is read before
    the reset, which is done at the start of the next step: the same numbers, for a reset to 0.
    `StateLeaky` and `LeakyParallel`, which take all steps at once, have no reset.
    """

    package = "snntorch"
    input_factor = 1 / TAU

    def neurons(self) -> torch.nn.Module:
        leaky = self._leaky()
        return Neurons(lambda currents: _spikes(_steps(leaky, currents, leaky.reset_mem())))

    def trace(self, currents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        leaky = self._leaky()
        steps = list(_steps(leaky, currents, leaky.reset_mem()))
        return _spikes(steps), torch.stack([membrane * (1 - spike) for spike, membrane in steps])

    def _leaky(self) -> Any:
        import snntorch
        import snntorch.surrogate

        spike_grad = snntorch.surrogate.fast_sigmoid(slope=STEEPNESS)
        leaky = snntorch.Leaky(beta=1 - 1 / TAU, reset_mechanism="zero", spike_grad=spike_grad)
        return leaky.to(self.place)


class SpikingJellyWorker(TorchWorker):
    """
    `LIFNode` with ``step_mode="m"``, which takes all steps at once.

    It fires at its threshold, where the others fire above it. ``detach_reset`` keeps resets out of
    the gradient. On a CPU it loops over the steps in Python, forwards and backwards.
    """

    package = "spikingjelly"

    def neurons(self) -> torch.nn.Module:
        from spikingjelly.activation_based import functional

        node = self._node()

        def run(currents: torch.Tensor) -> torch.Tensor:
            functional.reset_net(node)
            return node(currents)

        return Neurons(run)

    def trace(self, currents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        node = self._node(store_v_seq=True)
        spikes = node(currents)
        return spikes, node.v_seq

    def _node(self, store_v_seq: bool = False) -> Any:
        from spikingjelly.activation_based import neuron, surrogate

        # The surrogate of this name has the steepness 1, and alpha is a factor of its slope.
        assert STEEPNESS == 1
        node = neuron.LIFNode(
            tau=TAU,
            decay_input=True,
            surrogate_function=surrogate.SuperSpike(alpha=1.0),
            detach_reset=True,
            step_mode="m",
            store_v_seq=store_v_seq,
        )
        return node.to(self.place)


class NorseWorker(TorchWorker):
    """
    `LIFBoxCell` in a loop over steps, as `norse.torch.Lift` runs it, without a synaptic current.

    By default gradients pass through its reset. A function for ``reset_method`` leaves them out, so
    that all libraries compute the same.
    """

    package = "norse"

    def neurons(self) -> torch.nn.Module:
        cell, start = self._cell_and_start()
        return Neurons(lambda currents: _spikes(_steps(cell, currents, start)))

    def trace(self, currents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        cell, start = self._cell_and_start()
        steps = list(_steps(cell, currents, start))
        return _spikes(steps), torch.stack([state.v for _, state in steps])

    def _cell_and_start(self) -> tuple[Any, Any]:
        from norse.torch import LIFBoxCell, LIFBoxFeedForwardState, LIFBoxParameters

        def reset_without_gradient(spikes: Any, voltage: Any, reset: Any, _: Any) -> torch.Tensor:
            spikes = spikes.detach()
            return (1 - spikes) * voltage + spikes * reset

        # Its surrogate has the steepness 1, whatever alpha is.
        assert STEEPNESS == 1
        parameters = LIFBoxParameters(
            tau_mem_inv=torch.tensor(1 / (TAU * DT), device=self.place),
            v_leak=torch.tensor(0.0, device=self.place),
            v_th=torch.tensor(1.0, device=self.place),
            v_reset=torch.tensor(0.0, device=self.place),
            method="super",
            reset_method=reset_without_gradient,
        )
        # Its own initial state would take part in the gradient.
        start = LIFBoxFeedForwardState(v=torch.tensor(0.0, device=self.place))
        return LIFBoxCell(parameters, dt=DT), start


class AllSteps(torch.nn.Module):
    """A convolution or a dense layer that takes all steps as one batch."""

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


class Neurons(torch.nn.Module):
    """A function of currents (time, batch, ...) as a module."""

    def __init__(self, run: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.run = run

    def forward(self, currents: torch.Tensor) -> torch.Tensor:
        """Return the spikes of all steps."""
        return self.run(currents)


def _steps(step: Any, currents: torch.Tensor, state: Any) -> Iterator[tuple[torch.Tensor, Any]]:
    for current in currents:
        spike, state = step(current, state)
        yield spike, state


def _spikes(steps: Iterable[tuple[torch.Tensor, Any]]) -> torch.Tensor:
    return torch.stack([spike for spike, _ in steps])


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


if __name__ == "__main__":
    serve({"snntorch": SnnTorchWorker, "spikingjelly": SpikingJellyWorker, "norse": NorseWorker})
