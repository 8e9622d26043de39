"""Benchmarks: how fast networks run, beside `nengo_dl.Simulator` and plain tf.keras."""

DEVICES = ("auto", "cpu", "gpu")  # where they can run
