"""The handwritten digits that scikit-learn ships."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


@dataclass(frozen=True, eq=False)
class Digits:
    """
    Real handwritten digits, some to learn from and others to be tested with.

    Parameters
    ----------
    train_images, test_images : ndarray of shape (n_images, 8, 8)
        Ink from 0 (none) to 1.
    train_labels, test_labels : ndarray of shape (n_images,)
        The digits that were meant, 0 to 9.
    """

    train_images: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.int64]


def split_digits(seed: int, n_train: int = 1400, n_test: int = 397) -> Digits:
    """
    Split the digits at random, with the same share of each digit on both sides.

    Parameters
    ----------
    seed : int
        Of the split.
    n_train, n_test : int
        Numbers of images. The defaults use all 1,797.
    """
    digits = load_digits()
    images = (digits.images / digits.images.max()).astype(np.float32)
    train_images, test_images, train_labels, test_labels = train_test_split(
        images,
        digits.target,
        train_size=n_train,
        test_size=n_test,
        stratify=digits.target,
        random_state=seed,
    )
    return Digits(train_images, train_labels, test_images, test_labels)


def shift_at_random(
    images: NDArray[np.float32], generator: np.random.Generator
) -> NDArray[np.float32]:
    """
    Shift each image by up to one pixel up or down, and left or right.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width)
        What is shifted in from outside is 0.
    generator : numpy.random.Generator
        Draws the shifts.
    """
    n_images, height, width = images.shape
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    down, right = generator.integers(0, 3, size=(2, n_images, 1, 1))
    rows = down + np.arange(height)[:, None]
    columns = right + np.arange(width)
    return padded[np.arange(n_images)[:, None, None], rows, columns]
