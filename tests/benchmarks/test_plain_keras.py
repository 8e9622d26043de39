"""Plain tf.keras applies the layers to all steps, as fast as it can."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import networks, plain_keras


def make_images(n_samples: int, n_steps: int, shape: tuple[int, ...]) -> np.ndarray:
    size = int(np.prod(shape))
    return np.random.default_rng(0).random((n_samples, n_steps, size), dtype=np.float32)


@pytest.mark.parametrize("largest", [1, 5, 1000])
@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        (networks.one_dense_layers, networks.VECTOR_SHAPE),
        (networks.convolutional_layers, networks.IMAGE_SHAPE),
    ],
)
def test_the_layers_are_applied_to_each_step(monkeypatch, layers, shape, largest):
    monkeypatch.setattr(plain_keras, "BATCHES", (largest,))
    monkeypatch.setattr(plain_keras, "SLOWER", 0.0)  # hence the first that is tried is taken
    images = make_images(3, 4, shape)

    outputs = plain_keras.bare(layers(), shape, images)()

    expected = images.reshape(-1, *shape)
    for layer in plain_keras._flattened(layers()):
        expected = layer(expected)
    np.testing.assert_allclose(outputs, expected.numpy().reshape(3, 4, 10), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("seconds", "n_images", "best", "not_tried"),
    [
        ({64: 3.0, 256: 2.0, 1024: 1.0, 4096: 1.1, 5000: 0.9}, 5000, 5000, set()),
        ({64: 3.0, 256: 2.0, 1024: 3.0, 4096: 1.0, 5000: 1.0}, 5000, 256, {4096, 5000}),
        ({64: 3.0, 100: 4.0}, 100, 64, set()),
        ({10: 3.0}, 10, 10, set()),
    ],
)
def test_the_fastest_batch_is_taken(monkeypatch, seconds, n_images, best, not_tried):
    tried = []
    monkeypatch.setattr(
        plain_keras.timeit, "repeat", lambda run, **_: [seconds[run.args[0]], 100.0]
    )

    assert plain_keras._fastest(tried.append, n_images) == best
    assert set(seconds) - set(tried) == not_tried
