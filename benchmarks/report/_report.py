"""The page that people read, and its pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import _words as words
from benchmarks.report._hardware import hardware_name
from benchmarks.report._picture import Picture
from benchmarks.report._result import Result
from benchmarks.report._row import rows_of
from benchmarks.report._run import NEEDED, Run
from benchmarks.report._sections import Section, make_sections

PAGE = "benchmarks.md"
PICTURES = "_static/benchmarks"
"""Where pictures are, in the folder of the page."""

_COMPARED = ("pipeline", "neurons", "own")
"""The suites that are compared over machines: others repeat their cases, or have other ends."""

_NOISY = 1.5
"""Where the slowest round takes so many times as long as the fastest, a machine was busy."""

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
    """
    A page and its pictures.

    Parameters
    ----------
    page : str
        The page, in Markdown.
    pictures : tuple of Picture
        Those that it shows.
    """

    page: str
    pictures: tuple[Picture, ...] = ()

    def write(self, docs: Path) -> None:
        """
        Write the page and its pictures, and remove pictures that it does not show.

        Parameters
        ----------
        docs : Path
            The folder of the page.
        """
        folder = docs / PICTURES
        for path in self._not_shown(folder):
            path.unlink()
        if self.pictures:
            folder.mkdir(parents=True, exist_ok=True)
        for picture in self.pictures:
            (folder / picture.file).write_bytes(picture.svg())
        (docs / PAGE).write_bytes(self.page.encode())

    def differences(self, docs: Path) -> list[str]:
        """
        Compare with what is written.

        Parameters
        ----------
        docs : Path
            The folder of the page.

        Returns
        -------
        differences : list of str
            What is not as it would be written; nothing if all is.
        """
        folder = docs / PICTURES
        found = []
        page = docs / PAGE
        if not page.is_file():
            found.append(f"{page} is missing")
        elif page.read_bytes() != self.page.encode():
            found.append(f"{page} is not what the results say")
        for picture in self.pictures:
            path = folder / picture.file
            if not path.is_file():
                found.append(f"{path} is missing")
            elif not picture.is_in(path.read_bytes()):
                found.append(f"{path} is not what the results say")
        found += [f"{path} is on no page" for path in self._not_shown(folder)]
        return found

    def _not_shown(self, folder: Path) -> list[Path]:
        shown = {picture.file for picture in self.pictures}
        return sorted(path for path in folder.glob("*.svg") if path.name not in shown)


@dataclass(frozen=True)
class Machine:
    """
    What was measured on the same hardware.

    Parameters
    ----------
    name : str
        That of the hardware.
    runs : tuple of Run
        From the earliest to the latest.
    """

    name: str
    runs: tuple[Run, ...]

    @property
    def results(self) -> list[Result]:
        """All results; of what was measured twice the latest."""
        latest = {
            (each.suite, each.group, each.member, each.name): each
            for run in self.runs
            for each in run.results
        }
        return list(latest.values())


def make_report(runs: Iterable[Run]) -> Report:
    """
    Make the report.

    Parameters
    ----------
    runs : iterable of Run
        In any order. Those on the same hardware share a section.

    Returns
    -------
    report : Report
    """
    by_hardware: dict[str, list[Run]] = {}
    for run in runs:
        by_hardware.setdefault(hardware_name(run), []).append(run)
    machines = [
        Machine(name, tuple(sorted(of_it, key=lambda run: (run.date, run.file))))
        for name, of_it in sorted(by_hardware.items())
    ]
    if not machines:
        return Report(_join([_INTRODUCTION, _NOTHING]))
    blocks = [_INTRODUCTION, _TERMS]
    pictures = []
    for machine in machines:
        sections, missing = make_sections(machine.name, machine.results, PICTURES)
        blocks += [*_head(machine), *_noise(machine.results)]
        for section in sections:
            blocks += [f"### {section.title}", *section.blocks]
            pictures += section.pictures
        if missing:
            blocks.append(f"There is no data of this machine on {words.listed(missing)}.")
    over = _over_machines(machines)
    if over is not None:
        blocks += [f"## {over.title}", *over.blocks]
    return Report(_join(blocks), tuple(pictures))


def _join(blocks: Iterable[str]) -> str:
    return "\n\n".join(blocks) + "\n"


def _head(machine: Machine) -> list[str]:
    """Return the heading of a machine, its facts, and its runs."""
    facts: dict[str, dict[str, None]] = {}
    for run in machine.runs:
        for key, value in run.facts.items():
            facts.setdefault(key, {})[value] = None
    blocks = [f"## {words.code(machine.name)}"]
    files = [
        (
            words.code(run.file),
            words.escape(run.date[:10] or "not known"),
            words.escape(_short(run.commit) or "not known")
            + (", with changes" if run.dirty else ""),
            words.escape(", ".join(run.suites) or "none"),
        )
        for run in machine.runs
    ]
    blocks.append(words.table(("file", "date", "commit", "suites"), files, texts=4))
    if facts:
        rows = [(words.code(key), words.escape("; ".join(each))) for key, each in facts.items()]
        blocks.append(words.table(("machine and versions", ""), rows, texts=2))
    else:
        blocks.append("The file says nothing of the machine and of versions.")
    left_out = list(dict.fromkeys(name for run in machine.runs for name in run.left_out))
    if left_out:
        keys = " or ".join(map(words.code, NEEDED))
        blocks.append(
            f"Without {keys} in their `extra_info`, and so not shown: {words.some(left_out)}."
        )
    return blocks


def _noise(results: Iterable[Result]) -> list[str]:
    """Say how often rounds took unlike times; nothing if none was repeated."""
    spreads = [each.spread for each in results if each.spread is not None]
    if not spreads:
        return []
    noisy = sum(spread > _NOISY for spread in spreads)
    return [
        f"In {noisy} of {len(spreads)} results that have several rounds, the slowest round took "
        f"more than {_NOISY:g} times as long as the fastest."
    ]


def _short(commit: str) -> str:
    """Return the first letters of a commit's hash, as Git shows it."""
    is_hash = len(commit) == 40 and set(commit) <= set("0123456789abcdef")
    return commit[:9] if is_hash else commit


def _over_machines(machines: Sequence[Machine]) -> Section | None:
    """Compare ours over machines, in what at least two of them measured."""
    if len(machines) < 2:
        return None
    cells: dict[str, dict[str, str]] = {}
    for machine in machines:
        of_networks = [each for each in machine.results if each.suite in _COMPARED]
        for row in rows_of(of_networks):
            rate = row.number("ours", "samples_steps_per_second")
            if rate:
                ratio = row.number("ours", "ratio_to_stock")
                text = words.count(rate) + (f" ({words.ratio(ratio)}×)" if ratio else "")
                cells.setdefault(row.title_with_suite, {})[machine.name] = text
    rows = [
        (words.escape(title), *(each.get(machine.name, words.GAP) for machine in machines))
        for title, each in cells.items()
        if len(each) > 1
    ]
    section = Section("Over machines")
    if not rows:
        section.blocks.append("No case was measured on more than one machine.")
        return section
    section.blocks += [
        "Samples × steps per second of ours; in brackets, how many times as fast as stock that is "
        "on the same machine.",
        words.table(("", *(words.code(machine.name) for machine in machines)), rows),
    ]
    return section
