"""Keeps the file of a run, named by its hardware, without what tells whose machine it was."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from benchmarks.report.runs import load, read_run, run_of

_OF_A_PERSON = frozenset({"author", "email", "host", "hostname", "node", "user", "username"})
_NOT_NEEDED = frozenset({"branch", "flags"})  # the flags of a CPU are a hundred words
_HOME = re.compile(r"(?:/home/|/Users/|[A-Za-z]:\\Users\\)[^/\\\s\"':]+|/root\b")


class NotKept(ValueError):  # noqa: N818 - as an answer to `keep` it reads well
    """A file is not to be kept as it is."""


def keep(path: Path, results: Path, *, part: str = "", force: bool = False) -> Path:
    """
    Copy the file of a run to those that are kept, in place of an earlier run of the same hardware.

    A run of some of the suites has a part, a name that is added to that of the hardware; a run of
    peers alone is the part "peers". Returns the copy. It is `NotKept`, unless it is forced, if it
    can't be traced to a commit, or has fewer suites than the file it replaces.
    """
    content = load(path)
    run = run_of(content, path.name)
    word = re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-")
    if part and not word:
        raise NotKept(f"expected a part with letters or digits, got {part!r}")
    if run.results.empty:
        raise NotKept(f"{path} has nothing that the report would show")
    if not force and (run.dirty or run.commit in ("", "unknown", "unversioned")):
        raise NotKept(
            f"{path}: expected a run of a commit, got one "
            f"{'with changes that no commit has' if run.dirty else 'whose commit is not known'}; "
            "commit and run it again, or give --force"
        )
    word = word or ("peers" if run.suites == ["peers"] else "")
    target = results / f"{'-'.join(filter(None, (run.hardware, word)))}.json"
    earlier = read_run(target).suites if target.is_file() else []
    lost = [suite for suite in earlier if suite not in run.suites]
    if lost and not force:
        raise NotKept(
            f"{target} has suites that {path} lacks ({', '.join(lost)}); give --part NAME to keep "
            "both, or --force"
        )
    results.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(_strip(content), indent=1) + "\n", encoding="utf-8")
    return target


def _strip(value: Any) -> Any:
    """Return a value without names of users and hosts."""
    if isinstance(value, dict):
        dropped = _OF_A_PERSON | _NOT_NEEDED
        return {key: _strip(item) for key, item in value.items() if key.lower() not in dropped}
    if isinstance(value, list):
        return [_strip(item) for item in value]
    return _HOME.sub("~", value) if isinstance(value, str) else value
