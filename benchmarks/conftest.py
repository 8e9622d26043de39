"""What all benchmarks share."""

pytest_plugins = ["benchmarks.plugin"]
