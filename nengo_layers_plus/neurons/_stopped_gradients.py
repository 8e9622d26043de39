"""What is said of gradients that stop at a type of neurons."""

from __future__ import annotations


class StoppedGradientWarning(UserWarning):
    """Something is to be trained that no gradient reaches, because of a type of neurons."""
