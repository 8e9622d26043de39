"""What all tests share."""

import gc

import nengo
from hypothesis import HealthCheck, settings

# A simulator costs seconds: no deadline, and few examples unless `make deep` asks for many. In the
# default profile the examples are the same in every run.
_SLOW = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("ci", max_examples=5, derandomize=True, **_SLOW)
settings.register_profile("deep", max_examples=200, **_SLOW)
settings.load_profile("ci")

# nengo keeps decoders in the user's home, for which tests that run at once would have to wait.
nengo.rc.set("decoder_cache", "enabled", "False")


def pytest_collection_finish():
    """Leave what was imported out of each search for garbage: TensorFlow is a million objects."""
    gc.freeze()
