"""Runs of the benchmarks, read from the files of pytest-benchmark and named by their hardware."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

# without these in its extra information a benchmark has no place in the report
NEEDED = ["suite", "member"]
# the members that are not peers, in the order of the tables
MEMBERS = ("stock", "layer", "ours", "keras")
# what the time of a call is divided into: the key of its seconds, and the words for it
PARTS = {
    "part_layers": "layers",
    "part_neurons": "neurons",
    "part_data": "data",
    "part_other": "other operations",
    "part_calls": "calls",
}

_STATS = {"median": "seconds", "rounds": "rounds", "min": "fastest", "max": "slowest"}
_TEXTS = [*NEEDED, "network", "use", "axis", "device"]
_POSITIVE = [
    *("ratio_to_stock", "ratio_to_ours", "ratio_least", "ratio_most", "times_of_keras"),
    "samples_steps_per_second",
]
_NUMBERS = [
    *_STATS.values(),
    *_POSITIVE,
    *("minibatch", "n_steps", "batches", "n_neurons", "threads"),
    *("agreement", "target", "target_seconds", "peak_memory", "peak_memory_target"),
    *PARTS,
]

# facts of pytest-benchmark itself, besides those on Python; the benchmarks say them better
_OF_PYTEST_BENCHMARK = ("commit", "cpu", "machine", "node", "processor", "release", "system")

# words in names of hardware that do not tell models apart
_NOISE = re.compile(
    r"\((?:r|tm|c)\)|@.*|\bwith .*|\b\d+-core\b|(?<![\w.])\d+ ?gb\b|\bhbm\d\w*|\bnvidia\b"
    r"|\bintel\b|\bamd\b|\bcpu\b|\bgpu\b|\bprocessor\b|\bplatinum\b|\bgold\b|\bsilver\b|\bbronze\b"
)


class ResultFileError(ValueError):
    """A file is not what pytest-benchmark writes."""


@dataclass(frozen=True)
class Run:
    """A run of the benchmarks."""

    file: str
    date: str  # as pytest-benchmark writes it
    commit: str  # empty if that is not known
    dirty: bool  # whether there were changes that no commit has
    machine_info: Mapping[str, Any]
    results: pd.DataFrame  # a row a benchmark, with its seconds and extra information
    left_out: list[str]  # benchmarks that have no place in the report

    @property
    def suites(self) -> list[str]:
        """The suites that were run, in their order."""
        return list(self.results["suite"].unique())

    @property
    def facts(self) -> dict[str, str]:
        """The machine and versions, as the benchmarks describe them, as texts."""
        return {
            key: str(value)
            for key, value in self.machine_info.items()
            if key not in _OF_PYTEST_BENCHMARK
            and not key.startswith("python_")
            and value not in (None, "")
        }

    @property
    def hardware(self) -> str:
        """
        The name of the GPU if any benchmark ran on one, else of the CPU: `cpu-xeon-8481c-2-cores`.

        Where a CPU has a name without a number, as on virtual machines, its family, model and
        stepping follow.
        """
        facts = self.facts
        if self.results["device"].str.lower().str.startswith("gpu").any():
            models = [_slug(name) for name in facts.get("gpus", "unknown").split(",")]
            return f"gpu-{models[0]}" + (f"-{len(models)}-gpus" if len(models) > 1 else "")
        cpu = self.machine_info.get("cpu") or {}
        words = ["cpu", _slug(facts.get("cpu_model") or cpu.get("brand_raw") or "unknown")]
        if not re.search(r"\d", words[1]):
            numbers = {key: cpu.get(key) for key in ("family", "model", "stepping")}
            words += [f"{key}-{_slug(str(n))}" for key, n in numbers.items() if n not in (None, "")]
        if n_cores := facts.get("cores"):
            words.append(f"{n_cores}-core{'s' * (n_cores != '1')}")
        return "-".join(words)


def read_run(path: Path) -> Run:
    """Read a file as `load` does, to a run."""
    return run_of(load(path), path.name)


def load(path: Path) -> dict[str, Any]:
    """Return the content of a file of pytest-benchmark; `ResultFileError` if it is none."""
    wanted = f"{path}: expected a JSON file of pytest-benchmark (--benchmark-json=FILE), got"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        why = error.strerror or error
        raise ResultFileError(f"{wanted} none that can be read: {why}") from error
    except ValueError as error:
        raise ResultFileError(f"{wanted} a file that is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise ResultFileError(f"{wanted} a {type(content).__name__} in place of an object")
    for key, kind, word in (("machine_info", dict, "object"), ("benchmarks", list, "list")):
        if not isinstance(content.get(key), kind):
            raise ResultFileError(f"{wanted} one without the {word} {key!r}")
    for index, benchmark in enumerate(content["benchmarks"]):
        if not isinstance(benchmark, dict) or not isinstance(benchmark.get("name"), str):
            raise ResultFileError(f"{wanted} one in which benchmarks[{index}] has no name")
    return content


def run_of(content: Mapping[str, Any], file: str) -> Run:
    """Return the run of the content of a file, as `load` returned it."""
    results, left_out = _results(content["benchmarks"])
    commit = content.get("commit_info") or {}
    described = str(content["machine_info"].get("commit") or "")
    known = str(commit.get("id") or "")
    return Run(
        file=file,
        date=str(content.get("datetime") or ""),
        commit=described if known in ("", "unknown", "unversioned") else known,
        dirty=bool(commit.get("dirty")) or described.endswith("-dirty"),
        machine_info=content["machine_info"],
        results=results,
        left_out=left_out,
    )


def combine(runs: Iterable[Run]) -> pd.DataFrame:
    """
    Return the results of runs on the same hardware, from the earliest to the latest, as one table.

    The latest of equal benchmarks counts. The new column ``row`` names the row of a table, with all
    members side by side, and ``case`` does so with the name of the suite, unless that is the
    pipeline. Where a group has several results of a member, each benchmark is a row of its own.
    """
    results = pd.concat([run.results for run in runs], ignore_index=True)
    group = ["suite", "group"]
    results["order"] = results.groupby([*group, "member", "name"], sort=False).ngroup()
    results = results.drop_duplicates("order", keep="last").sort_values("order")
    several = results.duplicated([*group, "member"], keep=False)
    several = several.groupby([results[key] for key in group]).transform("any")
    parameters = results["name"].str.extract(r"\[(.+)\]$")[0].fillna(results["name"])
    results["row"] = results["title"].where(~several, results["title"] + ": " + parameters)
    with_suite = results["suite"] + ": " + results["row"]
    results["case"] = results["row"].where(results["suite"] == "pipeline", with_suite)
    results = results.drop_duplicates(["case", "member"], keep="last")
    results["order"] = results.groupby("case", sort=False).ngroup()
    results["rank"] = results["member"].map(_rank)
    return results.sort_values(["order", "rank"], kind="stable", ignore_index=True)


def members_of(results: pd.DataFrame) -> list[str]:
    """Return who was measured: the known ones first, then others in their order."""
    return sorted(results["member"].unique(), key=_rank)


def of_member(results: pd.DataFrame, member: str) -> pd.DataFrame:
    """Return the results of a member, by case."""
    return results[results["member"] == member].set_index("case")


def times_of_keras(results: pd.DataFrame) -> pd.Series:
    """Return how many times as long as plain tf.keras ours takes, by case."""
    ours = of_member(results, "ours")
    keras = of_member(results, "keras")["seconds"].reindex(ours.index)
    # Earlier files have no ratios within rounds: there it is that of the medians.
    return ours["times_of_keras"].fillna((ours["seconds"] / keras).where(keras > 0))


def side_by_side(results: pd.DataFrame, value: str) -> pd.DataFrame:
    """Return a number of all members: a row a case, a column a member; without empty rows."""
    wide = results.pivot(index="row", columns="member", values=value)
    wide = wide.reindex(index=results["row"].unique(), columns=members_of(results))
    return wide.dropna(how="all")


def _rank(member: str) -> int:
    return MEMBERS.index(member) if member in MEMBERS else len(MEMBERS)


def _results(benchmarks: list[dict[str, Any]]) -> tuple[pd.DataFrame, list[str]]:
    """Return the results that have a place in the report, and the names of the others."""
    columns = {"name": "name", "group": "group"}
    columns |= {f"stats.{key}": name for key, name in _STATS.items()}
    keys = [key for key in (*_TEXTS, *_NUMBERS, "versions") if key not in _STATS.values()]
    columns |= {f"extra_info.{key}": key for key in keys}
    frame = pd.json_normalize(benchmarks, max_level=1).reindex(columns=list(columns))
    frame = frame.rename(columns=columns).astype(object)
    frame[_TEXTS] = frame[_TEXTS].map(lambda value: value if isinstance(value, str) else "")
    frame[_NUMBERS] = frame[_NUMBERS].map(_finite).astype(float)
    frame[_POSITIVE] = frame[_POSITIVE].where(frame[_POSITIVE] > 0)
    has_place = (frame[NEEDED] != "").all(axis=1)
    results = frame[has_place].copy()
    results["group"] = results["group"].replace("", None).fillna(results["name"]).astype(str)
    results["title"] = [
        group.removeprefix(f"{suite}:").strip()
        for group, suite in zip(results["group"], results["suite"], strict=True)
    ]
    # The series is the title without the minibatch and the steps.
    results["series"] = [
        re.sub(r"[\s-]*\b\d+x\d+$", "", title) or title for title in results["title"]
    ]
    return results, list(frame["name"][~has_place])


def _finite(value: Any) -> float:
    """Return what was read as a number, if it is a finite one, and else NaN."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else math.nan


def _slug(model: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", _NOISE.sub(" ", model.lower())).strip("-")
