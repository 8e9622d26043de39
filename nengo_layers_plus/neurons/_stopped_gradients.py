"""What is said of gradients that stop at a type of neurons."""

from __future__ import annotations


class StoppedGradientWarning(UserWarning):
    """A type of neurons runs in Python, so that nothing before it can be trained through it."""
