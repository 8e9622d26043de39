"""What all tests share."""

import gc
from collections.abc import Iterator
from types import SimpleNamespace

import nengo
import pytest
from hypothesis import HealthCheck, settings

# A simulator costs seconds: no deadline, and few examples unless `make deep` asks for many. In the
# default profile the examples are the same in every run.
_SLOW = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("ci", max_examples=3, derandomize=True, **_SLOW)
settings.register_profile("deep", max_examples=200, **_SLOW)
settings.load_profile("ci")

# nengo keeps decoders in the user's home, for which tests that run at once would have to wait.
nengo.rc.set("decoder_cache", "enabled", "False")


@pytest.fixture(autouse=True, scope="module")
def nothing_left_behind() -> Iterator[None]:
    """Delete what TensorFlow would keep of models of Keras: some gigabytes for all tests."""
    # not before: a process that only hands out tests would import TensorFlow, too
    from nengo_layers_plus._upstream._tensorflow import custom_gradients_kept

    with custom_gradients_kept(SimpleNamespace()):
        yield


def pytest_collection_finish():
    """Search for garbage seldom, and not in what was imported: TensorFlow is a million objects."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
