"""The page that people read, and its pictures."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.report import words
from benchmarks.report.pictures import Picture
from benchmarks.report.runs import NEEDED, Run, combine, of_member
from benchmarks.report.sections import PICTURES, make_sections

PAGE = "benchmarks.md"

# the suites that are compared over machines: others repeat their cases, or are of other things
_COMPARED = ("pipeline", "neurons", "own")
_NOISY = 1.5  # the ratio of the slowest to the fastest round on a busy machine
_INTRODUCTION = """\
<!-- Written by `make bench-report` of the files in benchmarks/results: change those, not this. -->

# Benchmarks

How fast networks run and train, and in how much memory, beside nengo_dl as it is and beside plain
tf.keras. `make bench-report` writes this page of the files in `benchmarks/results`, which
pytest-benchmark wrote; no number here is from elsewhere."""

_TERMS = """\
| member | layers | simulator |
| --- | --- | --- |
| stock | `nengo_dl.Layer` | `nengo_dl.Simulator` |
| layer | `CustomLayer` | `nengo_dl.Simulator` |
| ours | `CustomLayer` | `nengo_layers_plus.Simulator` |
| keras | the same layers in plain tf.keras, without neurons in time: a reference | |

- A case is named by its network, its use and its size: `conv predict 10x50` simulates 10 samples
  at once for 50 time steps.
- Images that are fed in change in each step, unless the name of a case says `still`: there a sample
  is one image, and ours computes the layers before the first neurons only once.
- The reference is what the arithmetic of the layers takes: in `predict` in the fastest of several
  batch sizes; in `fit` with rates of neurons between them, and with the minibatches of the others.
  Ours can be below it, with less than 1 as ours / keras, where images stand still, and in `fit`,
  where it computes the rates in one compiled pass, and Keras operation by operation.
- Members do the same in turns, after a warm-up. Times are medians over rounds. A ratio is that of
  the times of two members within a round, and the median of those over rounds.
- What slows a machine for a while slows both members of a ratio, as they run in the same round. The
  span of ratios from the least to the most says how noisy the machine was.
- Agreement is the share of steps up to which the numbers of ours are those of stock, as a mean over
  samples. Rounding moves a spike of 32-bit neurons now and then, and what follows differs."""

_NOTHING = """\
No results are kept yet. This keeps those of your machine, of a state that is committed:

```
make bench ARGS="--benchmark-json=run.json"
.venv/bin/python -m benchmarks.report --keep run.json
make bench-report
```"""


@dataclass(frozen=True)
class Report:
    """A page, in Markdown, and the pictures that it shows."""

    page: str
    pictures: tuple[Picture, ...] = ()

    def write(self, docs: Path) -> None:
        """Write the page and its pictures to a folder; remove pictures that it does not show."""
        folder = docs / PICTURES
        for path in self._not_shown(folder):
            path.unlink()
        if self.pictures:
            folder.mkdir(parents=True, exist_ok=True)
        for picture in self.pictures:
            (folder / picture.file).write_bytes(picture.svg())
        (docs / PAGE).write_bytes(self.page.encode())

    def differences(self, docs: Path) -> list[str]:
        """Say what in a folder is not as it would be written; nothing if all is."""
        page = docs / PAGE
        is_written = {page: lambda written: written == self.page.encode()}
        is_written |= {docs / PICTURES / picture.file: picture.is_in for picture in self.pictures}
        differences = [f"{path} is on no page" for path in self._not_shown(docs / PICTURES)]
        for path, is_up_to_date in is_written.items():
            if not path.is_file():
                differences.append(f"{path} is missing")
            elif not is_up_to_date(path.read_bytes()):
                differences.append(f"{path} is not what the results say")
        return differences

    def _not_shown(self, folder: Path) -> list[Path]:
        shown = {picture.file for picture in self.pictures}
        return sorted(path for path in folder.glob("*.svg") if path.name not in shown)


def make_report(runs: Iterable[Run]) -> Report:
    """Make the report of runs, in any order. Those on the same hardware share a section."""
    by_hardware: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: (run.date, run.file)):
        by_hardware.setdefault(run.hardware, []).append(run)
    if not by_hardware:
        return Report(_join([_INTRODUCTION, _NOTHING]))
    blocks = [_INTRODUCTION, _TERMS]
    pictures: list[Picture] = []
    machines = {name: combine(of_it) for name, of_it in sorted(by_hardware.items())}
    for name, results in machines.items():
        sections, missing = make_sections(name, results)
        blocks += [f"## {words.code(name)}", *_head(by_hardware[name]), *_noise(results)]
        for section in sections:
            blocks += [f"### {section.title}", *section.blocks]
            pictures += section.pictures
        if missing:
            blocks.append(f"There is no data of this machine on {words.listed(missing)}.")
    return Report(_join([*blocks, *_over_machines(machines)]), tuple(pictures))


def _join(blocks: Iterable[str]) -> str:
    return "\n\n".join(blocks) + "\n"


def _head(runs: list[Run]) -> list[str]:
    """Return the runs of a machine, and what they say of it."""
    files = pd.DataFrame(
        {
            "file": words.code(run.file),
            "date": words.escape(run.date[:10] or "not known"),
            # a hash is as short as Git shows it
            "commit": words.escape(re.sub(r"^(\w{9})\w{31}$", r"\1", run.commit) or "not known")
            + ", with changes" * run.dirty,
            "suites": words.escape(", ".join(run.suites) or "none"),
        }
        for run in runs
    )
    blocks = [words.table(files, texts=4)]
    facts = pd.DataFrame([fact for run in runs for fact in run.facts.items()], columns=["key", ""])
    if facts.empty:
        blocks.append("The file says nothing of the machine and of versions.")
    else:
        facts = facts.groupby("key", sort=False)[""].unique().map("; ".join).map(words.escape)
        facts.index = facts.index.map(words.code).rename("machine and versions")
        blocks.append(words.table(facts.reset_index(), texts=2))
    left_out = list(dict.fromkeys(name for run in runs for name in run.left_out))
    if left_out:
        keys = " or ".join(map(words.code, NEEDED))
        blocks.append(
            f"Without {keys} in their `extra_info`, and so not shown: {words.some(left_out)}."
        )
    return blocks


def _noise(results: pd.DataFrame) -> list[str]:
    """Say how often rounds took unlike times; nothing if none was repeated."""
    repeated = results[(results["rounds"] >= 2) & (results["fastest"] > 0)]
    spreads = (repeated["slowest"] / repeated["fastest"]).dropna()
    if spreads.empty:
        return []
    return [
        f"In {(spreads > _NOISY).sum()} of {len(spreads)} results that have several rounds, the "
        f"slowest round took more than {_NOISY:g} times as long as the fastest."
    ]


def _over_machines(machines: dict[str, pd.DataFrame]) -> list[str]:
    """Compare ours over machines, in what at least two of them measured."""
    if len(machines) < 2:
        return []
    columns = {}
    for name, results in machines.items():
        ours = of_member(results[results["suite"].isin(_COMPARED)], "ours")
        ours = ours.dropna(subset="samples_steps_per_second")
        ratios = ours["ratio_to_stock"].map(lambda ratio: f" ({words.ratio(ratio)}×)")
        rates = ours["samples_steps_per_second"].map(words.count)
        columns[words.code(name)] = rates + ratios.where(ours["ratio_to_stock"].notna(), "")
    table = pd.concat(columns, axis=1).dropna(thresh=2).fillna(words.GAP)
    if table.empty:
        return ["## Over machines", "No case was measured on more than one machine."]
    return [
        "## Over machines",
        "Samples × steps per second of ours; in brackets, how many times as fast as stock that is "
        "on the same machine.",
        words.table(table.set_axis(table.index.map(words.escape)).rename_axis("").reset_index()),
    ]
