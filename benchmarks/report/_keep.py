"""Keeps the file of a run, named by its hardware, without what tells whose machine it was."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from benchmarks.report._hardware import hardware_name
from benchmarks.report._run import Run, load, read_run, run_of

_OF_A_PERSON = frozenset({"author", "email", "host", "hostname", "node", "user", "username"})
_NOT_NEEDED = frozenset({"branch", "flags"})  # the flags of a CPU are a hundred words
_HOME = re.compile(r"(?:/home/|/Users/|[A-Za-z]:\\Users\\)[^/\\\s\"':]+|/root\b")


class NotKept(ValueError):  # noqa: N818 - as an answer to `keep` it reads well
    """A file is not to be kept as it is."""


def keep(path: Path, results: Path, *, part: str = "", force: bool = False) -> Path:
    """
    Copy the file of a run to those that are kept.

    Parameters
    ----------
    path : Path
        The file.
    results : Path
        Where they are kept.
    part : str
        Of a run with some of the suites, a name that is added to that of the hardware. A run of
        peers alone is the part "peers".
    force : bool
        Whether to keep what can't be traced to a commit, or has fewer suites than what it replaces.

    Returns
    -------
    kept : Path
        The copy, which replaces an earlier run of the same hardware.

    Raises
    ------
    ResultFileError
        If it is no file of pytest-benchmark.
    NotKept
        If ``force`` is needed, or the part is no name.
    """
    content = load(path)
    run = run_of(content, path.name)
    stem = file_stem(run, part)
    if not run.results:
        raise NotKept(f"{path} has nothing that the report would show")
    if not force and (run.dirty or run.commit in ("", "unknown", "unversioned")):
        raise NotKept(
            f"{path}: expected a run of a commit, got one "
            f"{'with changes that no commit has' if run.dirty else 'whose commit is not known'}; "
            "commit and run it again, or give --force"
        )
    target = results / f"{stem}.json"
    lost = _lost_suites(run, target)
    if lost and not force:
        raise NotKept(
            f"{target} has suites that {path} lacks ({', '.join(lost)}); give --part NAME to keep "
            "both, or --force"
        )
    results.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(_strip(content), indent=1) + "\n", encoding="utf-8")
    return target


def file_stem(run: Run, part: str = "") -> str:
    """
    Return the name of a file to keep, without its ending.

    Parameters
    ----------
    run : Run
        What is in it.
    part : str
        As for `keep`.

    Raises
    ------
    NotKept
        If the part has neither letters nor digits: the file would replace that of all suites.
    """
    word = re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-")
    if part and not word:
        raise NotKept(f"expected a part with letters or digits, got {part!r}")
    word = word or ("peers" if run.suites == ["peers"] else "")
    return "-".join(filter(None, (hardware_name(run), word)))


def _lost_suites(run: Run, target: Path) -> list[str]:
    if not target.is_file():
        return []
    return [suite for suite in read_run(target).suites if suite not in run.suites]


def _strip(value: Any) -> Any:
    """Return a value without names of users and hosts."""
    if isinstance(value, dict):
        dropped = _OF_A_PERSON | _NOT_NEEDED
        return {key: _strip(each) for key, each in value.items() if key.lower() not in dropped}
    if isinstance(value, list):
        return [_strip(each) for each in value]
    return _HOME.sub("~", value) if isinstance(value, str) else value
