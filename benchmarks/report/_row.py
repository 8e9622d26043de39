"""What is measured side by side."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.report._result import Result

MEMBERS = ("stock", "layer", "ours", "keras")
"""The members that are not peers, in the order of the tables."""


@dataclass(frozen=True)
class Row:
    """
    What members took for the same.

    Parameters
    ----------
    title : str
        What they did.
    results : dict of Result
        By member.
    """

    title: str
    results: Mapping[str, Result]

    @property
    def first(self) -> Result:
        """The result of any of them, for what they share."""
        return next(iter(self.results.values()))

    def number(self, member: str, key: str) -> float | None:
        """Return a number of a member's extra information; None if there is none."""
        result = self.results.get(member)
        return None if result is None else result.number(key)

    def ratio(self, member: str, key: str = "ratio_to_stock") -> float | None:
        """Return a ratio of a member's extra information; None if there is none above 0."""
        value = self.number(member, key)
        return None if value is None or value <= 0 else value

    def seconds(self, member: str) -> float | None:
        """Return the median seconds of a member; None if there are none."""
        result = self.results.get(member)
        return None if result is None else result.seconds

    @property
    def times_of_keras(self) -> float | None:
        """How many times as long as plain tf.keras ours takes; None if one of them is missing."""
        value = self.ratio("ours", "times_of_keras")
        if value is None:
            # Earlier files have no ratios within rounds: there it is that of the medians.
            ours, keras = self.seconds("ours"), self.seconds("keras")
            value = ours / keras if ours and keras else None
        return value

    @property
    def title_with_suite(self) -> str:
        """The title with the name of the suite, unless it is the pipeline."""
        suite = self.first.suite
        return self.title if suite == "pipeline" else f"{suite}: {self.title}"


def rows_of(results: Iterable[Result]) -> list[Row]:
    """
    Put results of a suite side by side.

    Parameters
    ----------
    results : iterable of Result
        Those with the same group are one row. Where a group has several of the same member, each
        benchmark is a row of its own.

    Returns
    -------
    rows : list of Row
        In the order of the results.
    """
    groups: dict[str, list[Result]] = {}
    for each in results:
        groups.setdefault(each.group, []).append(each)
    rows = []
    for group in groups.values():
        by_member = {each.member: each for each in group}
        if len(by_member) == len(group):
            rows.append(Row(group[0].title, by_member))
        else:
            rows += [Row(_name_within(each), {each.member: each}) for each in group]
    return rows


def _name_within(result: Result) -> str:
    """Return what tells a benchmark from others of its group: its parameters, if it has some."""
    parameters = re.search(r"\[(.+)\]$", result.name)
    return f"{result.title}: {parameters[1] if parameters else result.name}"


def members_of(rows: Sequence[Row]) -> list[str]:
    """Return who is in any of the rows: the known ones first, then others in their order."""
    found = list(dict.fromkeys(member for row in rows for member in row.results))
    return [*filter(found.__contains__, MEMBERS), *(each for each in found if each not in MEMBERS)]


def with_any(
    rows: Sequence[Row], get: Callable[[Row, str], float | None], members: Sequence[str]
) -> list[Row]:
    """Return the rows in which any of the members has a number."""
    return [row for row in rows if any(get(row, member) is not None for member in members)]
