"""The sections of a machine: one a suite, with its pictures and tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.report import _charts as charts
from benchmarks.report import _peers as of_peers
from benchmarks.report import _tables as tables
from benchmarks.report import _words as words
from benchmarks.report._picture import Picture
from benchmarks.report._result import Result
from benchmarks.report._row import Row, members_of, rows_of

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


@dataclass
class Section:
    """
    A section.

    Parameters
    ----------
    title : str
        Its heading.
    blocks : list of str
        Its paragraphs, tables and pictures.
    pictures : list of Picture
        Those that it shows.
    """

    title: str
    blocks: list[str] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)

    def show(self, picture: Picture | None, reading: str, folder: str) -> None:
        """
        Add a picture, if there is one.

        Parameters
        ----------
        picture : Picture or None
            The picture.
        reading : str
            How to read it.
        folder : str
            Where it is kept, as seen from the page.
        """
        if picture is not None:
            alt = words.escape(picture.alt)
            if reading not in self.blocks:
                self.blocks.append(reading)
            self.blocks.append(f"![{alt}]({folder}/{picture.file})")
            self.pictures.append(picture)


Maker = Callable[[str, Sequence[Result], str], Section]


def make_sections(
    prefix: str, results: Sequence[Result], folder: str
) -> tuple[list[Section], list[str]]:
    """
    Make the sections of a machine.

    Parameters
    ----------
    prefix : str
        What the names of its pictures begin with.
    results : sequence of Result
        What was measured on it.
    folder : str
        Where pictures are kept, as seen from the page.

    Returns
    -------
    sections : list of Section
        Those that have data.
    missing : list of str
        What there is no data of, in words.
    """
    by_suite: dict[str, list[Result]] = {}
    for each in results:
        by_suite.setdefault(each.suite, []).append(each)
    sections, missing = [], []
    for suite, (what, make) in _SUITES.items():
        if suite in by_suite:
            sections.append(make(prefix, by_suite.pop(suite), folder))
        else:
            missing.append(what)
    for suite, others in by_suite.items():
        section = _speed(prefix, others, folder, suite)
        section.title = f"Suite {words.code(suite)}"
        sections.append(section)
    return sections, missing


def _speed(prefix: str, results: Sequence[Result], folder: str, suite: str = "pipeline") -> Section:
    section = Section("Speed")
    rows = rows_of(results)
    for use in dict.fromkeys(row.first.text("use") for row in rows):
        chosen = [row for row in rows if row.first.text("use") == use]
        name = "-".join(filter(None, (prefix, _file_name(suite), use, "speed-up")))
        section.show(charts.speed_up(name, chosen), _how_to_read(chosen), folder)
    section.blocks += [tables.seconds_table(rows), *tables.ratio_table(rows)]
    for axis, word in (("minibatch", "samples at once"), ("steps", "steps")):
        name = f"{prefix}-{_file_name(suite)}-throughput-{axis}"
        section.show(
            charts.throughput(name, results, axis),
            f"Curves are throughput over {word}, on logarithmic axes; higher is faster. Where one "
            "goes up, what is paid once a call is shared by more work; where it is level, the "
            "machine is busy.",
            folder,
        )
    return section


def _neurons(prefix: str, results: Sequence[Result], folder: str) -> Section:
    section = Section("Types of neurons")
    rows = rows_of(results)
    section.blocks.append(
        "Stock is here how nengo_dl alone runs them: in Python where it has no TensorFlow code for "
        "a type. Ours runs all of them in TensorFlow."
    )
    name = f"{prefix}-neurons-speed-up"
    section.show(charts.speed_up(name, rows), _how_to_read(rows, _MARKS_OF_NEURONS), folder)
    section.blocks += [tables.seconds_table(rows), *tables.ratio_table(rows)]
    return section


def _start(prefix: str, results: Sequence[Result], folder: str) -> Section:
    section = Section("Start")
    rows = rows_of(results)
    section.show(
        charts.amounts(f"{prefix}-start", rows, "time", Row.seconds, words.seconds),
        "Seconds until a network is built, and of the first calls, which trace and compile; in a "
        "process of its own each. Shorter is faster.",
        folder,
    )
    section.blocks += [tables.seconds_table(rows), *tables.ratio_table(rows)]
    return section


def _memory(prefix: str, results: Sequence[Result], folder: str) -> Section:
    section = Section("Memory")
    rows = rows_of(results)
    section.show(
        charts.amounts(
            f"{prefix}-memory", rows, "memory", tables.peak, words.memory, ("MiB", 1024**2)
        ),
        "Peak memory in a process of its own, beyond what it holds when the simulator is built. "
        "Shorter is less.",
        folder,
    )
    section.blocks.append(tables.memory_table(rows))
    return section


def _scaling(prefix: str, results: Sequence[Result], folder: str) -> Section:
    section = Section("Scaling")
    section.blocks.append(
        "Points are what was measured; lines are power laws, fitted by least squares of the "
        "logarithms, and the numbers their exponents with the standard error. With an exponent "
        "of 1, twice the size takes twice as much; below 1, what is paid once a call is still "
        "shared. The last column of the table is the exponent between the two largest sizes."
    )
    fits = []
    for axis, (_, label) in charts.AXES.items():
        curves = charts.laws(results, axis)
        picture = charts.growth(f"{prefix}-scaling-{axis}", curves, axis)
        section.show(picture, f"Against {label}:", folder)
        for series, what, curve in curves:
            if curve.law is not None:
                sizes = f"{min(curve.x):,.0f} to {max(curve.x):,.0f} {label}"
                last = f"{curve.law.last:.2f}"
                case = f"{what} of {words.escape(series)}"
                fits.append((case, curve.member, sizes, words.exponent(curve.law), last))
    if fits:
        head = ("", "member", "over", "exponent", "last two")
        section.blocks.append(words.table(head, fits, texts=3))
    else:
        section.blocks.append("There are too few sizes to fit exponents to.")
    rows = rows_of(results)
    section.blocks += [tables.seconds_table(rows), tables.memory_table(rows)]
    return section


def _profile(prefix: str, results: Sequence[Result], folder: str) -> Section:
    section = Section("Where the time goes")
    rows = rows_of(results)
    section.show(charts.parts(f"{prefix}-profile", rows), _PARTS_PICTURE, folder)
    cells = [
        (
            words.escape(row.title),
            member,
            _limit(parts),
            words.seconds(row.seconds(member)),
            *(words.seconds(row.number(member, key)) for key in charts.PARTS),
            words.seconds(sum(parts)),
        )
        for row in rows
        for member in members_of([row])
        if (parts := charts.parts_of(row, member)) is not None
    ]
    if cells:
        head = (
            *("", "member", "limited by", "median time"),
            *(*charts.PARTS.values(), "with the profiler"),
        )
        section.blocks += [
            "Seconds of a call. Those of the parts are with the profiler, which slows short calls; "
            "the last column is their sum, of which what limits a call has the share behind it.",
            words.table(head, cells, texts=3),
        ]
    else:
        section.blocks += ["The profiler told no parts in this run.", tables.seconds_table(rows)]
    return section


def _introspection(prefix: str, results: Sequence[Result], folder: str) -> Section:
    section = Section("Introspection")
    rows = rows_of(results)
    section.show(
        charts.amounts(f"{prefix}-introspection", rows, "time", Row.seconds, words.seconds),
        "How long it takes to look into a network. Shorter is faster.",
        folder,
    )
    cells = [
        (
            words.escape(row.title),
            words.seconds(each.seconds),
            words.seconds(each.number("target_seconds")),
        )
        for row in rows
        for each in row.results.values()
    ]
    section.blocks.append(words.table(("", "time", "at most"), cells))
    return section


def _peers(prefix: str, results: Sequence[Result], folder: str) -> Section:
    section = Section("Peers")
    rows = rows_of(results)
    section.show(
        charts.beside_ours(f"{prefix}-peers", rows),
        "Bars are how many times as long as ours each library takes for the same network: to the "
        "right of the line ours is faster. The axis is logarithmic; whiskers go from the least to "
        "the most.",
        folder,
    )
    section.blocks += [*of_peers.libraries(rows), tables.seconds_table(rows)]
    peers = [member for member in members_of(rows) if member != "ours"]
    cells = [
        (
            words.escape(row.title),
            member,
            words.ratio(row.number(member, "ratio_to_ours")),
            words.span(row.number(member, "ratio_least"), row.number(member, "ratio_most")),
            words.share(row.number(member, "agreement")),
        )
        for row in rows
        for member in peers
        if member in row.results
    ]
    if cells:
        head = ("", "library", "its time / ours", "least to most", "agreement")
        section.blocks += [
            *of_peers.faster_than_ours(rows, peers),
            words.table(head, cells, texts=2),
        ]
    return section


_SUITES: dict[str, tuple[str, Maker]] = {
    "pipeline": ("speed", _speed),
    "neurons": ("types of neurons", _neurons),
    "start": ("the start", _start),
    "memory": ("memory", _memory),
    "scaling": ("scaling", _scaling),
    "profile": ("where the time goes", _profile),
    "introspection": ("introspection", _introspection),
    "peers": ("peers", _peers),
}


def _limit(parts: Sequence[float]) -> str:
    limit, share = charts.limit_of(parts)
    return f"{limit} ({words.percent(share)})"


def _how_to_read(rows: Sequence[Row], marks: Mapping[str, str] = _MARKS) -> str:
    """Say how to read a picture of ratios, without marks that it does not have."""
    drawn = (
        text
        for member, text in marks.items()
        if any(row.ratio(member) is not None and row.ratio("ours") is not None for row in rows)
    )
    return " ".join([_RATIO_PICTURE, *drawn])


def _file_name(text: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in text.lower())
