"""What is said of the libraries that ours is measured beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.report import _words as words
from benchmarks.report._row import Row, members_of

_HOW_PEERS_RUN = {
    "torch": "eagerly, without `torch.compile`",
    "tensorflow": "as functions of TensorFlow, without XLA",
}
"""How `benchmarks.peers` runs libraries, by the package that they are on."""


def libraries(rows: Sequence[Row]) -> list[str]:
    """Say of which versions the libraries are, and how they run; nothing if no file says it."""
    versions: dict[str, dict[str, dict[str, None]]] = {}
    threads: dict[str, None] = {}
    for row in rows:
        for member, result in row.results.items():
            found = result.info.get("versions")
            for name, version in found.items() if isinstance(found, Mapping) else ():
                if version != "none":
                    of_member = versions.setdefault(member, {})
                    of_member.setdefault(str(name), {})[str(version)] = None
            number = result.number("threads")
            if number is not None:
                threads[f"{number:g}"] = None
    blocks = []
    if versions:
        cells = [
            (
                member,
                words.escape(
                    ", ".join(f"{name} {' and '.join(each)}" for name, each in of.items())
                ),
            )
            for member in members_of(rows)
            if (of := versions.get(member))
        ]
        blocks.append(words.table(("library", "versions"), cells, texts=2))
    said = []
    if threads:
        plural = "" if list(threads) == ["1"] else "s"
        said.append(f"Each has {' or '.join(threads)} thread{plural}.")
    others = {member: each for member, each in versions.items() if member != "ours"}
    for package, how in _HOW_PEERS_RUN.items():
        on_it = [member for member, each in others.items() if package in each]
        if on_it:
            said.append(f"What is on {package} ({', '.join(on_it)}) runs {how}.")
    if others:
        said.append("XLA compiles the loops of ours over time.")
    return [*blocks, *([" ".join(said)] if said else [])]


def faster_than_ours(rows: Sequence[Row], peers: Sequence[str]) -> list[str]:
    """Say who is slower than ours, and who is faster where."""
    ratios = {
        (member, row.title): ratio
        for member in peers
        for row in rows
        if (ratio := row.ratio(member, "ratio_to_ours")) is not None
    }
    if not ratios:
        return []
    slower = sum(ratio > 1 for ratio in ratios.values())
    faster: dict[str, list[str]] = {}
    for (member, title), ratio in ratios.items():
        if ratio < 1:
            faster.setdefault(member, []).append(words.code(title))
    said = f"In {slower} of {len(ratios)} rows of the next table the library is slower than ours."
    if faster:
        where = "; ".join(f"{member} in {words.listed(each)}" for member, each in faster.items())
        said += f" Faster than ours: {where}."
    return [said]
