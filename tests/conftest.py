"""What all tests share."""

from hypothesis import HealthCheck, settings

# A simulator costs seconds: no deadline, and few examples unless `make deep` asks for many. In the
# default profile the examples are the same in every run.
_SLOW = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("ci", max_examples=5, derandomize=True, **_SLOW)
settings.register_profile("deep", max_examples=200, **_SLOW)
settings.load_profile("ci")
