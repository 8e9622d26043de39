"""Reads the files that pytest-benchmark writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.report._result import Result, finite

NEEDED = ("suite", "member")
"""Without these in its extra information a benchmark has no place in the report."""

# What pytest-benchmark itself says of a machine; the benchmarks say it better.
_OF_PYTEST_BENCHMARK = frozenset(
    {
        *("cpu", "machine", "node", "processor", "release", "system"),
        *("python_build", "python_compiler", "python_version"),
        *("python_implementation", "python_implementation_version"),
    }
)


class ResultFileError(ValueError):
    """A file is not what pytest-benchmark writes."""


@dataclass(frozen=True)
class Run:
    """
    One run of the benchmarks.

    Parameters
    ----------
    file : str
        The name of its file.
    date : str
        When it was, as pytest-benchmark writes it.
    commit : str
        What was measured; empty if that is not known.
    dirty : bool
        Whether there were changes that no commit has.
    machine_info : dict
        What is known of the machine and of versions.
    results : tuple of Result
        What was measured.
    left_out : tuple of str
        Benchmarks that have no place in the report.
    """

    file: str
    date: str
    commit: str
    dirty: bool
    machine_info: Mapping[str, Any]
    results: tuple[Result, ...]
    left_out: tuple[str, ...] = ()

    @property
    def suites(self) -> list[str]:
        """The suites that were run, in their order."""
        return list(dict.fromkeys(each.suite for each in self.results))

    @property
    def on_gpu(self) -> bool:
        """Whether any benchmark ran on a GPU."""
        return any(each.text("device").lower().startswith("gpu") for each in self.results)

    @property
    def facts(self) -> dict[str, str]:
        """What is known of the machine and of versions, as texts."""
        return facts_of(self.machine_info)


def read_run(path: Path) -> Run:
    """
    Read a file that pytest-benchmark wrote.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    ResultFileError
        If it is something else.
    """
    return run_of(load(path), path.name)


def load(path: Path) -> dict[str, Any]:
    """
    Return what is in a file that pytest-benchmark wrote.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    ResultFileError
        If it is something else.
    """
    wanted = f"{path}: expected a JSON file of pytest-benchmark (--benchmark-json=FILE), got"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResultFileError(
            f"{wanted} none that can be read: {error.strerror or error}"
        ) from error
    except ValueError as error:
        raise ResultFileError(f"{wanted} a file that is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise ResultFileError(f"{wanted} a {type(content).__name__} in place of an object")
    for key, kind, word in (("machine_info", dict, "object"), ("benchmarks", list, "list")):
        if not isinstance(content.get(key), kind):
            raise ResultFileError(f"{wanted} one without the {word} {key!r}")
    for index, each in enumerate(content["benchmarks"]):
        if not isinstance(each, dict) or not isinstance(each.get("name"), str):
            raise ResultFileError(f"{wanted} one in which benchmarks[{index}] has no name")
    return content


def run_of(content: Mapping[str, Any], file: str) -> Run:
    """
    Return the run that a file has.

    Parameters
    ----------
    content : dict
        What `load` returned.
    file : str
        The name of the file.
    """
    results, left_out = [], []
    for each in content["benchmarks"]:
        info = _dictionary(each.get("extra_info"))
        if any(not isinstance(info.get(key), str) or not info[key] for key in NEEDED):
            left_out.append(each["name"])
            continue
        stats = _dictionary(each.get("stats"))
        rounds = finite(stats.get("rounds"))
        results.append(
            Result(
                suite=info["suite"],
                member=info["member"],
                group=str(each.get("group") or each["name"]),
                name=each["name"],
                seconds=finite(stats.get("median")),
                rounds=None if rounds is None else int(rounds),
                info=info,
                fastest=finite(stats.get("min")),
                slowest=finite(stats.get("max")),
            )
        )
    commit = _dictionary(content.get("commit_info"))
    machine_info = content["machine_info"]
    described = str(machine_info.get("commit") or "")
    known = str(commit.get("id") or "")
    return Run(
        file=file,
        date=str(content.get("datetime") or ""),
        commit=described if known in ("", "unknown", "unversioned") else known,
        dirty=bool(commit.get("dirty")) or described.endswith("-dirty"),
        machine_info=machine_info,
        results=tuple(results),
        left_out=tuple(left_out),
    )


def facts_of(machine_info: Mapping[str, Any]) -> dict[str, str]:
    """
    Return what the benchmarks said of the machine, as texts.

    Parameters
    ----------
    machine_info : dict
        That of a file; an object in it is taken for several facts.
    """
    facts: dict[str, str] = {}
    for key, value in machine_info.items():
        if key in _OF_PYTEST_BENCHMARK or key == "commit":
            continue
        if isinstance(value, Mapping):
            facts.update(facts_of(value))
        elif isinstance(value, (list, tuple)):
            facts[key] = ", ".join(str(each) for each in value) or "none"
        elif value is not None and value != "":
            facts[key] = str(value)
    return facts


def _dictionary(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
