"""The libraries that this package is built on: their versions, and lazy imports of them."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import platform
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version


class UpstreamWarning(UserWarning):
    """nengo_dl can't work here; the first public name that is used raises `UpstreamError`."""


class UpstreamError(ImportError):
    """nengo_dl can't work in this environment.

    Parameters
    ----------
    part : str
        What is wrong: the name of a distribution or of a setting.
    found : str
        What was found.
    expected : str
        What is needed.
    remedy : str
        What to do.
    """

    def __init__(self, part: str, found: str, expected: str, remedy: str) -> None:
        super().__init__(part, found, expected, remedy)
        self.part = part
        self.found = found
        self.expected = expected
        self.remedy = remedy

    def __str__(self) -> str:
        return (
            f"{self.part}: expected {self.expected}, found {self.found}.\n"
            f"What to do: {self.remedy}\n"
            f"The whole picture: python -m nengo_layers_plus doctor"
        )


@dataclass(frozen=True)
class Requirement:
    """A distribution that is needed, and the versions of it that are tested.

    Parameters
    ----------
    name : str
        Its name on the package index.
    module : str
        The module that it brings.
    tested : SpecifierSet
        The tested versions.
    """

    name: str
    module: str
    tested: SpecifierSet

    @property
    def remedy(self) -> str:
        """The command that installs a tested version."""
        if self.name == "nengo-dl" and sys.version_info >= (3, 12):
            # Its source package asks for a setuptools that can't run on Python 3.12 or later, and
            # needs the pkg_resources that later versions of setuptools do not have.
            return (
                'pip install "setuptools<81", then '
                f'pip install --no-build-isolation "nengo-dl{self.tested}"'
            )
        return f'pip install "{self.name}{write_range(self.tested)}"'

    def check(self, version: Version | None) -> UpstreamError | None:
        """Say what is wrong with a version of this distribution.

        Parameters
        ----------
        version : Version or None
            The version that was found; None: not installed.
        """
        if version is None:
            return UpstreamError(self.name, "not installed", write_range(self.tested), self.remedy)
        if not self.tested.contains(version, prereleases=True):
            return UpstreamError(self.name, str(version), write_range(self.tested), self.remedy)
        return None


def write_range(specifiers: SpecifierSet) -> str:
    """Write a range of versions with its lower bound first."""
    return ",".join(sorted(map(str, specifiers), reverse=True))


PYTHON_TESTED = SpecifierSet(">=3.10,<3.14")

NENGO_DL = Requirement("nengo-dl", "nengo_dl", SpecifierSet("==3.6.0"))

# setup.cfg declares the same ranges to pip; tests/test_upstream.py keeps the two in agreement.
REQUIREMENTS = (
    Requirement("numpy", "numpy", SpecifierSet(">=1.26,<2.4")),
    Requirement("tensorflow", "tensorflow", SpecifierSet(">=2.16,<2.22")),
    Requirement("tf-keras", "tf_keras", SpecifierSet(">=2.16,<2.22")),
    Requirement("nengo", "nengo", SpecifierSet(">=4.1,<5")),
    NENGO_DL,
)


def find_version(module: str, distribution: str | None = None) -> Version | None:
    """Find the version of a module without importing it.

    Parameters
    ----------
    module : str
        The name of the module.
    distribution : str, optional
        The distribution that usually brings it; others that bring it (``tensorflow-cpu``) are
        found as well.

    Returns
    -------
    Version or None
        The version that is loaded, else the one that is installed, else None.
    """
    for text in _list_versions(module, distribution or module):
        with contextlib.suppress(InvalidVersion, TypeError):
            return Version(text)
    return None


def _list_versions(module: str, distribution: str) -> Iterator[str]:
    if hasattr(sys.modules.get(module), "__version__"):
        yield sys.modules[module].__version__
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        yield importlib.metadata.version(distribution)
    for other in importlib.metadata.packages_distributions().get(module, ()):
        yield importlib.metadata.version(other)


def find_versions() -> dict[str, Version | None]:
    """Find the version of each of `REQUIREMENTS`, by the name of its distribution."""
    return {
        requirement.name: find_version(requirement.module, requirement.name)
        for requirement in REQUIREMENTS
    }


def check_versions(versions: Mapping[str, Version | None]) -> list[UpstreamError]:
    """List what is wrong with the versions that were found.

    Parameters
    ----------
    versions : mapping of str to Version or None
        The version of each of `REQUIREMENTS`, None for those that are not installed.
    """
    problems = [requirement.check(versions[requirement.name]) for requirement in REQUIREMENTS]
    python = Version(platform.python_version())
    if not PYTHON_TESTED.contains(python, prereleases=True):
        expected = write_range(PYTHON_TESTED)
        problems.insert(
            0, UpstreamError("Python", str(python), expected, f"use a Python {expected}")
        )
    tensorflow, tf_keras = versions["tensorflow"], versions["tf-keras"]
    if tensorflow and tf_keras and tensorflow.release[:2] != tf_keras.release[:2]:
        minor = "{}.{}".format(*tensorflow.release[:2])
        problems.append(
            UpstreamError(
                "tf-keras",
                str(tf_keras),
                f"{minor}.*, the minor version of TensorFlow {tensorflow}",
                f'pip install "tf-keras=={minor}.*"',
            )
        )
    return [problem for problem in problems if problem is not None]


class _LazyModule(ModuleType):
    """A module that is imported when one of its names is first used."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self.__name__), name)


nengo: Any = _LazyModule("nengo")
tf: Any = _LazyModule("tensorflow")
nengo_dl: Any = _LazyModule("nengo_dl")
