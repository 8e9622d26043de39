"""What a run says of the machine, and the choice of a device."""

from __future__ import annotations

import pytest

from benchmarks import machine
from nengo_layers_plus._upstream import tf

NAMES = {
    *("cpu_model", "cores", "threads_intra_op", "threads_inter_op"),
    *("gpus", "gpu_memory", "gpu_driver", "cuda", "cudnn"),
    *("python", "tensorflow", "tf-keras", "nengo", "nengo-dl", "numpy", "nengo_layers_plus"),
    *("xla", "tensor_float_32", "commit"),
}


class Gpu:
    name, device_type = "/physical_device:GPU:0", "GPU"


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """Return what TensorFlow is told to do, which is not done."""
    settings: list[tuple] = []
    monkeypatch.setattr(
        tf.config.experimental,
        "set_memory_growth",
        lambda gpu, enable: settings.append(("memory growth", gpu, enable)),
    )
    monkeypatch.setattr(
        tf.config.experimental,
        "enable_tensor_float_32_execution",
        lambda enabled: settings.append(("TensorFloat-32", enabled)),
    )
    monkeypatch.setattr(
        tf.config,
        "set_visible_devices",
        lambda devices, kind: settings.append(("visible", devices, kind)),
    )
    return settings


def see(monkeypatch: pytest.MonkeyPatch, *gpus: type[Gpu]) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: list(gpus))


def test_a_run_names_hardware_versions_and_commit():
    info = machine.describe()

    assert set(info) == NAMES
    assert all(isinstance(each, str) and each for each in info.values())
    assert info["nengo"] in machine.summarise(info)


def test_what_differs_between_two_runs_is_told():
    info = machine.describe() | {"cpu": {"model": 85, "stepping": 7, "flags": ["avx"]}}
    other = info | {"cpu": {"model": 207, "stepping": 7}, "nengo": "4.0.0", "commit": "abc"}

    assert machine.differences(info, dict(info)) == []
    assert machine.differences(info, other) == [
        f"nengo: 4.0.0 -> {info['nengo']}",
        "cpu model: 207 -> 85",
    ]
    assert "nengo: not known -> 4.1.0" in machine.differences({"nengo": "4.1.0"}, {})


def test_hardware_of_a_gpu_comes_from_its_driver(monkeypatch):
    class Done:
        stdout = "81559 MiB, 550.54\n81559 MiB, 550.54\n"

    monkeypatch.setattr(machine, "_gpus", lambda: ["A", "A"])
    monkeypatch.setattr(machine.subprocess, "run", lambda *args, **kwargs: Done)

    assert machine.describe()["gpu_memory"] == "81559 MiB, 81559 MiB"
    assert machine.describe()["gpu_driver"] == "550.54, 550.54"


@pytest.mark.parametrize("wanted", ["auto", "gpu"])
def test_memory_of_a_gpu_grows_and_products_are_exact(monkeypatch, settings, wanted):
    see(monkeypatch, Gpu)

    assert machine.choose_device(wanted) == "gpu"
    assert settings == [("memory growth", Gpu, True), ("TensorFloat-32", False)]


@pytest.mark.parametrize(("wanted", "gpus"), [("auto", ()), ("cpu", (Gpu,))])
def test_else_no_gpu_is_used(monkeypatch, settings, wanted, gpus):
    see(monkeypatch, *gpus)

    assert machine.choose_device(wanted) == "cpu"
    assert settings == [("visible", [], "GPU")]


def test_a_gpu_that_is_not_there_is_an_error(monkeypatch, settings):
    see(monkeypatch)

    with pytest.raises(machine.NoGpuError, match=r"--device gpu: .* sees no GPU.*What to do"):
        machine.choose_device("gpu")
    assert settings == []
