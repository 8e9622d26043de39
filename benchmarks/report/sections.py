"""The sections of a machine: one a suite, with its pictures and tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from benchmarks.report import charts, words
from benchmarks.report.pictures import Picture
from benchmarks.report.runs import (
    PARTS,
    of_member,
    side_by_side,
    times_of_keras,
)

PICTURES = "_static/benchmarks"  # where pictures are, in the folder of the page
_RATIO_PICTURE = (
    "Bars are how many times as fast as stock ours is: the median over rounds, with a whisker from "
    "the least to the most. The axis is logarithmic and starts at stock, so that a bar twice as "
    "long is a ratio squared."
)
_MARKS = {
    "layer": "The triangle is `CustomLayer` under `nengo_dl.Simulator`; it should be at stock.",
    "keras": "The diamond is plain tf.keras, the reference: what the layers alone take. A bar far "
    "from it has something left to gain; the list above says where one can be beyond it.",
}
_MARKS_OF_NEURONS = {
    **_MARKS,
    "layer": "The triangle is `CustomLayer` under `nengo_dl.Simulator`, which runs neurons in "
    "TensorFlow as well: what lies between it and the bar is the Simulator's.",
}
_PARTS_PICTURE = (
    "Bars are shares of the time of a call, as profilers saw it; the time behind them is the "
    "median without them. *Layers* are matrix products and convolutions: arithmetic. *Neurons* do "
    "little with each number that they read and write, and *data* is copied and converted on its "
    "way in and out: memory traffic. *Other operations* are what else TensorFlow runs, with the "
    "launching of operations, and *calls* are the rest, as Python, and on a GPU all the time in "
    "which it waits: launches. The largest of these three limits a call. An instant at which "
    "several threads work is divided among them."
)
_ABOUT_FIT = (
    "Seconds of `fit` are those of an epoch, which has as many minibatches as the table says. A "
    "call of `fit` takes some time of its own, which few or small minibatches do not hide."
)
# what can limit a call, by the part of its time
_LIMITS = {
    "part_layers": "arithmetic",
    "part_neurons": "memory traffic",
    "part_data": "memory traffic",
    "part_other": "launches",
    "part_calls": "launches",
}

# how `benchmarks.peers` runs libraries, by the package that they are on
_HOW_PEERS_RUN = {
    "torch": "eagerly, without `torch.compile`",
    "tensorflow": "as functions of TensorFlow, without XLA",
}


@dataclass
class Section:
    """A section; the names of its pictures begin with the prefix."""

    title: str
    prefix: str = ""
    blocks: list[str] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)

    def add(self, *blocks: str) -> None:
        """Add paragraphs and tables; nothing for empty texts."""
        self.blocks += filter(None, blocks)

    def show(
        self, draw: Callable[..., Picture | None], name: str, *arguments: Any, how: str
    ) -> None:
        """Add a picture, if there is one of these arguments, with how to read it, once."""
        picture = draw(*arguments)
        if picture is not None:
            picture = replace(picture, name=f"{self.prefix}-{name}")
            if how not in self.blocks:
                self.blocks.append(how)
            self.blocks.append(f"![{words.escape(picture.alt)}]({PICTURES}/{picture.file})")
            self.pictures.append(picture)


def make_sections(prefix: str, results: pd.DataFrame) -> tuple[list[Section], list[str]]:
    """Make the sections of a machine; return them, and the subjects that there is no data of."""
    by_suite = dict(tuple(results.groupby("suite", sort=False)))
    sections, missing = [], []
    for suite, (title, subject, fill) in _SUITES.items():
        if suite in by_suite:
            sections.append(Section(title, prefix))
            fill(sections[-1], by_suite.pop(suite))
        else:
            missing.append(subject)
    for suite, others in by_suite.items():
        sections.append(Section(f"Suite {words.code(suite)}", prefix))
        _speed(sections[-1], others)
    return sections, missing


def _speed(section: Section, results: pd.DataFrame) -> None:
    suite = re.sub(r"[\W_]", "-", results["suite"].iloc[0].lower())
    for use, in_use in results.groupby("use", sort=False):
        name = f"{suite}-{use}-speed-up" if use else f"{suite}-speed-up"
        section.show(charts.speed_up, name, in_use, how=_how_to_read(in_use, _MARKS))
    section.add(seconds_table(results), *ratio_table(results))
    for axis, word in (("minibatch", "samples at once"), ("steps", "steps")):
        section.show(
            charts.throughput,
            f"{suite}-throughput-{axis}",
            results,
            axis,
            how=f"Curves are throughput over {word}, on logarithmic axes; higher is faster. Where "
            "one goes up, what is paid once a call is shared by more work; where it is level, the "
            "machine is busy.",
        )


def _neurons(section: Section, results: pd.DataFrame) -> None:
    section.add(
        "Stock is here how nengo_dl alone runs them: in Python where it has no TensorFlow code for "
        "a type. Ours runs all of them in TensorFlow."
    )
    how = _how_to_read(results, _MARKS_OF_NEURONS)
    section.show(charts.speed_up, "neurons-speed-up", results, how=how)
    section.add(seconds_table(results), *ratio_table(results))


def _start(section: Section, results: pd.DataFrame) -> None:
    section.show(
        charts.amounts,
        "start",
        *(results, "seconds", "time (s)", words.seconds),
        how="Seconds until a network is built, and of the first calls, which trace and compile; in "
        "a process of its own each. Shorter is faster.",
    )
    section.add(seconds_table(results), *ratio_table(results))


def _memory(section: Section, results: pd.DataFrame) -> None:
    section.show(
        charts.amounts,
        "memory",
        *(results, "peak_memory", "memory (MiB)", words.memory, 1024**2),
        how="Peak memory in a process of its own, beyond what it holds when the simulator is built."
        " Shorter is less.",
    )
    section.add(memory_table(results))


def _scaling(section: Section, results: pd.DataFrame) -> None:
    section.add(
        "Points are what was measured; lines are power laws, fitted by least squares of the "
        "logarithms, and the numbers their exponents with the standard error. With an exponent "
        "of 1, twice the size takes twice as much; below 1, what is paid once a call is still "
        "shared. The last column of the table is the exponent between the two largest sizes."
    )
    rows = []
    for axis, (_, label) in charts.AXES.items():
        points = charts.growing(results, axis)
        section.show(charts.growth, f"scaling-{axis}", points, axis, how=f"Against {label}:")
        rows += [
            {
                "": f"{fit.amount} of {words.escape(fit.panel)}",
                "member": fit.member,
                "over": f"{fit.least:,.0f} to {fit.most:,.0f} {label}",
                "exponent": str(fit.law),
                "last two": f"{fit.law.last:.2f}",
            }
            for fit in charts.laws(points).itertuples()
        ]
    few = "There are too few sizes to fit exponents to."
    section.add(words.table(pd.DataFrame(rows), texts=3) if rows else few)
    section.add(seconds_table(results), memory_table(results))


def _profile(section: Section, results: pd.DataFrame) -> None:
    profiled = charts.parts_of(results)
    section.show(charts.parts, "profile", profiled, how=_PARTS_PICTURE)
    if profiled.empty:
        section.add("The profiler told no parts in this run.", seconds_table(results))
        return
    limits = profiled[list(PARTS)].T.groupby(_LIMITS, sort=False).sum().T
    shares = limits.max(axis=1) / profiled["total"]
    seconds = results[list(PARTS)].loc[profiled.index].assign(total=profiled["total"])
    table = {
        "": profiled["row"].map(words.escape),
        "member": profiled["member"],
        "limited by": limits.idxmax(axis=1) + shares.map(lambda share: f" ({share * 100:.0f} %)"),
        "median time": profiled["seconds"].map(words.seconds),
        **seconds.map(words.seconds).rename(columns={**PARTS, "total": "with the profiler"}),
    }
    section.add(
        "Seconds of a call. Those of the parts are with the profiler, which slows short calls; "
        "the last column is their sum, of which what limits a call has the share behind it.",
        words.table(pd.DataFrame(table), texts=3),
    )


def _introspection(section: Section, results: pd.DataFrame) -> None:
    section.show(
        charts.amounts,
        "introspection",
        *(results, "seconds", "time (s)", words.seconds),
        how="How long it takes to look into a network. Shorter is faster.",
    )
    table = {
        "": results["row"].map(words.escape),
        "time": results["seconds"].map(words.seconds),
        "at most": results["target_seconds"].map(words.seconds),
    }
    section.add(words.table(pd.DataFrame(table)))


def _peers(section: Section, results: pd.DataFrame) -> None:
    section.show(
        charts.beside_ours,
        "peers",
        results,
        how="Bars are how many times as long as ours each library takes for the same network: to "
        "the right of the line ours is faster. The axis is logarithmic; whiskers go from the least "
        "to the most.",
    )
    section.add(*_libraries(results), seconds_table(results))
    peers = results[results["member"] != "ours"]
    if peers.empty:
        return
    table = {
        "": peers["row"].map(words.escape),
        "library": peers["member"],
        "its time / ours": peers["ratio_to_ours"].map(words.ratio),
        "least to most": _spans(peers),
        "agreement": peers["agreement"].map(words.share),
    }
    section.add(_faster_than_ours(peers), words.table(pd.DataFrame(table), texts=2))


# title, subject in a sentence, and what fills the section
_SUITES: dict[str, tuple[str, str, Callable[[Section, pd.DataFrame], None]]] = {
    "pipeline": ("Speed", "speed", _speed),
    "neurons": ("Types of neurons", "types of neurons", _neurons),
    "start": ("Start", "the start", _start),
    "memory": ("Memory", "memory", _memory),
    "scaling": ("Scaling", "scaling", _scaling),
    "profile": ("Where the time goes", "where the time goes", _profile),
    "introspection": ("Introspection", "introspection", _introspection),
    "peers": ("Peers", "peers", _peers),
}


def seconds_table(results: pd.DataFrame) -> str:
    """Return the table of median times."""
    wide = side_by_side(results, "seconds")
    if wide.empty:
        return "There are no times in this run."
    return f"Median times:\n\n{_table_of(wide.map(words.seconds))}"


def memory_table(results: pd.DataFrame) -> str:
    """Return the table of peak memory."""
    wide = side_by_side(results, "peak_memory")
    if wide.empty:
        return "Peak memory was not measured in this run."
    targets = results[results["member"] == "ours"].set_index("row")["peak_memory_target"]
    wide["ours at most"] = targets.reindex(wide.index)
    return f"Peak memory:\n\n{_table_of(wide.map(words.memory))}"


def ratio_table(results: pd.DataFrame) -> list[str]:
    """Return the table of what is said of ours, and how to read it; none if nothing is said."""
    ours = of_member(results, "ours")
    says = ["ratio_to_stock", "agreement", "samples_steps_per_second"]
    ours = ours.dropna(subset=says, how="all")
    if ours.empty:
        return []
    layer = of_member(results, "layer").reindex(ours.index)
    keras = times_of_keras(results)
    rates = ours["samples_steps_per_second"]
    targets = ours["target"].where(ours["ratio_to_stock"].notna())
    missed = ours["ratio_to_stock"] < targets
    batches = ours["batches"].where(ours["use"] == "fit")
    spans = _spans(layer)
    table = {
        "": ours["row"].map(words.escape),
        "stock / ours": ours["ratio_to_stock"].map(words.ratio),
        "least to most": _spans(ours),
        "target": ours["target"].map(words.ratio) + missed.map({True: " (missed)", False: ""}),
        "ours / keras": keras[ours.index].map(words.ratio),
        "stock / layer": layer["ratio_to_stock"].map(words.ratio)
        + (" (" + spans + ")").where(spans != words.GAP, ""),
        "minibatches": batches.map(lambda n: words.GAP if pd.isna(n) else f"{n:g}"),
        "agreement": ours["agreement"].map(words.share),
        "ours: samples × steps / s": rates.map(words.count),
    }
    notes = []
    if targets.notna().any():
        n_missed, n_targets = missed.sum(), targets.notna().sum()
        notes.append(
            f"{n_missed} of {n_targets} target{'' if n_targets == 1 else 's'} "
            f"{'is' if n_missed == 1 else 'are'} missed: a target is what the project wants to "
            "hold, and no test fails by it."
        )
    if batches.notna().any():
        notes.append(_ABOUT_FIT)
    if keras.notna().any():
        notes.append("Ours / keras is how many times as long as plain tf.keras ours takes.")
    title = "Ratios of times" + ", and what ours does in a second" * bool(rates.notna().any())
    return [" ".join(notes), f"{title}:\n\n{words.table(pd.DataFrame(table))}"]


def _libraries(results: pd.DataFrame) -> list[str]:
    """Say of which versions the libraries are, and how they run; nothing if no file says it."""
    versions: dict[str, dict[str, str]] = {}
    for member, packages in zip(results["member"], results["versions"], strict=True):
        known = versions.setdefault(member, {})
        for name, version in packages.items() if isinstance(packages, Mapping) else ():
            numbers = known[name].split(" and ") if name in known else []
            if version not in ("none", *numbers):
                known[name] = " and ".join([*numbers, version])
    versions = {member: packages for member, packages in versions.items() if packages}
    texts = [
        words.escape(", ".join(f"{name} {version}" for name, version in packages.items()))
        for packages in versions.values()
    ]
    notes = []
    threads = [f"{number:g}" for number in results["threads"].dropna().unique()]
    if threads:
        notes.append(f"Each has {' or '.join(threads)} thread{'s' * (threads != ['1'])}.")
    others = [member for member in versions if member != "ours"]
    for package, how in _HOW_PEERS_RUN.items():
        on_it = [member for member in others if package in versions[member]]
        if on_it:
            notes.append(f"What is on {package} ({', '.join(on_it)}) runs {how}.")
    if others:
        notes.append("XLA compiles the loops of ours over time.")
    table = words.table(pd.DataFrame({"library": versions.keys(), "versions": texts}), texts=2)
    return [table if versions else "", " ".join(notes)]


def _faster_than_ours(peers: pd.DataFrame) -> str:
    """Say who is slower than ours, and who is faster where."""
    ratios = peers["ratio_to_ours"].dropna()
    if ratios.empty:
        return ""
    text = (
        f"In {(ratios > 1).sum()} of {len(ratios)} rows of the next table the library is slower "
        "than ours."
    )
    where = [
        f"{member} in {words.listed([*map(words.code, rows)])}"
        for member, own in peers.groupby("member", sort=False)
        if len(rows := own["row"][own["ratio_to_ours"] < 1])
    ]
    return f"{text} Faster than ours: {'; '.join(where)}." if where else text


def _how_to_read(results: pd.DataFrame, marks: Mapping[str, str]) -> str:
    """Say how to read a picture of ratios, without marks that it does not have."""
    measured = results.dropna(subset="ratio_to_stock")
    rows = measured["row"][measured["member"] == "ours"]
    drawn = set(measured["member"][measured["row"].isin(rows)])
    return " ".join([_RATIO_PICTURE, *(marks[member] for member in marks if member in drawn)])


def _spans(results: pd.DataFrame) -> pd.Series:
    """Return the spans of ratios, as texts."""
    spans = map(words.span, results["ratio_least"], results["ratio_most"])
    return pd.Series(list(spans), results.index, dtype=object)


def _table_of(wide: pd.DataFrame) -> str:
    """Return a table whose first column is the index."""
    wide = wide.set_axis(wide.index.map(words.escape)).rename_axis(index="", columns=None)
    return words.table(wide.reset_index())
