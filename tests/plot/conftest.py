"""What the tests of pictures share: no window, no figure left open, no setting changed."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import pytest
from matplotlib import pyplot


@pytest.fixture(autouse=True, scope="session")
def headless() -> None:
    mpl.use("agg")


@pytest.fixture(autouse=True)
def closed_figures() -> Iterator[None]:
    """Check what a picture leaves behind, and close its figures."""
    settings = dict(mpl.rcParams)
    assert not pyplot.get_fignums()
    yield
    assert dict(mpl.rcParams) == settings
    pyplot.close("all")
