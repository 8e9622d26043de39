"""Options and fixtures of the benchmarks, and the table that they print at the end.

``pytest benchmarks`` loads it, for its tests and for those of other folders in the same run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rich.table import Table

from benchmarks import DEVICES, cases, fresh, machine
from benchmarks.case import STANDARD_MEMBERS, Case
from benchmarks.groups import RECORDED, Cache, Group, measure_group
from benchmarks.table import add_measurement, make_table, write_table

QUICK_ROUNDS = 2
TABLE = pytest.StashKey[Table]()
DEVICE = pytest.StashKey[str]()
DIFFERENCES = pytest.StashKey[list[str]]()
_FIXTURES = {"compare_members", "report_group"}
_MARKS = (
    pytest.mark.benchmark(timer=RECORDED),
    # The first test of a group measures all members.
    pytest.mark.timeout(0),
    # If numbers differ nothing is handed over; that error is enough.
    pytest.mark.filterwarnings("ignore:Benchmark fixture was not used"),
    pytest.mark.filterwarnings("ignore:.*falling back to Python implementation"),
    # Adam warns so of gradients that nengo_dl turns into sparse ones.
    pytest.mark.filterwarnings("ignore:Converting sparse IndexedSlices"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    options = parser.getgroup("benchmarks")
    options.addoption(
        "--quick", action="store_true", help="only the cases that are marked so, in fewer rounds"
    )
    options.addoption(
        "--device",
        choices=DEVICES,
        default="auto",
        help="where it runs: auto takes a GPU if TensorFlow sees one",
    )


def pytest_configure(config: pytest.Config) -> None:
    try:
        config.stash[DEVICE] = machine.choose_device(config.getoption("--device"))
    except machine.NoGpuError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[TABLE] = make_table()


def pytest_report_header(config: pytest.Config) -> list[str]:
    asked = config.getoption("--device") == "cpu"
    where = f"CPU ({'as asked for' if asked else 'TensorFlow sees no GPU'})"
    if config.stash[DEVICE] == "gpu":
        where = f"{machine.describe()['gpus']}, with memory growth"
    header = [f"device: {where}"]
    if config.stash.get(DIFFERENCES, []):
        header.append(
            "compared with a run of another machine or of other versions, so ratios to stock say "
            f"more than seconds: {'; '.join(config.stash[DIFFERENCES])}"
        )
    return header


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if _FIXTURES & set(getattr(item, "fixturenames", ())):
            for mark in _MARKS:
                item.add_marker(mark)
    if config.getoption("--quick"):
        config.hook.pytest_deselected(items=[item for item in items if not _is_quick(item)])
        items[:] = [item for item in items if _is_quick(item)]


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    machine_info.update(machine.describe())
    # Else it would differ whenever two runs are compared.
    for name in ("hz_actual", "hz_actual_friendly"):
        machine_info.get("cpu", {}).pop(name, None)


def pytest_benchmark_compare_machine_info(
    config: pytest.Config, machine_info: dict[str, Any], compared_benchmark: dict[str, Any]
) -> None:
    # pytest-benchmark prints all of both, even if commits alone differ, which setup.cfg ignores.
    config.stash[DIFFERENCES] = machine.differences(
        machine_info, compared_benchmark["machine_info"]
    )


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    table = config.stash[TABLE]
    if table.row_count == 0:
        return
    terminalreporter.section("members of each group, side by side")
    write_table(table, terminalreporter)


@pytest.fixture(scope="session")
def quick(request: pytest.FixtureRequest) -> bool:
    """Whether time is short."""
    return request.config.getoption("--quick")


@pytest.fixture(scope="session")
def device_kind(request: pytest.FixtureRequest) -> str:
    """Return where it runs, "cpu" or "gpu"."""
    return request.config.stash[DEVICE]


@pytest.fixture(scope="session")
def cache() -> Cache:
    """Return what was measured so far."""
    return Cache()


@pytest.fixture(params=STANDARD_MEMBERS)
def member(request: pytest.FixtureRequest) -> str:
    """Return whose test this is; a test that is not parametrized with members is one of each."""
    return request.param


@pytest.fixture
def report_group(
    request: pytest.FixtureRequest, benchmark: Any, device_kind: str
) -> Callable[..., None]:
    """
    Return the function that hands the figures of a member of a group to pytest-benchmark.

    ``use`` and ``samples_steps`` are given where they are not those of the case.
    """

    def report(
        group: Group, member: str, use: str | None = None, samples_steps: int | None = None
    ) -> None:
        case = group.case
        if member not in group.measured.seconds:
            raise ValueError(
                f"case {case.name!r} has the members {', '.join(group.measured.seconds)}, and this "
                f"test is that of {member!r}; parametrize it with "
                "@pytest.mark.parametrize(**cases.of([case])), which has a test for each member"
            )
        timed = case.samples_steps if samples_steps is None else samples_steps
        benchmark.group = case.group_of(use or case.use)
        benchmark.extra_info |= case.describe(member, device_kind, group.n_neurons, use)
        benchmark.extra_info |= group.measured.figures(member, timed)
        if member == "ours" and group.execution:
            benchmark.extra_info["execution"] = group.execution
        if member in group.peaks:
            benchmark.extra_info["peak_memory"] = group.peaks[member]
        if parts := group.parts.get(member):
            benchmark.extra_info |= parts.info
        RECORDED.record(benchmark, group.measured.seconds[member])
        if member == "ours":
            table = request.config.stash[TABLE]
            add_measurement(table, benchmark.group, group.measured, case.target, timed, group.peaks)

    return report


@pytest.fixture
def compare_members(
    request: pytest.FixtureRequest,
    report_group: Callable[..., None],
    cache: Cache,
    quick: bool,
    device_kind: str,
    member: str,
) -> Callable[..., Group]:
    """
    Return the function that measures a `Case` and reports the member whose test this is.

    The members of a case are measured together, when the first of their tests runs. With
    ``memory=True`` peak memory is measured as well, in processes of their own; that needs a case of
    `benchmarks.cases`.
    """

    def compare(case: Case, memory: bool = False) -> Group:
        if memory and cases.BY_KEY.get(case.key) is not case:
            raise ValueError(
                f"case {case.name!r}: memory=True needs a case that benchmarks.cases lists in "
                "MEMORY or SCALING, since other processes build it by its name"
            )

        def make() -> Group:
            group = measure_group(case, QUICK_ROUNDS if quick else None)
            if memory and fresh.memory_is_known(device_kind):
                measured = fresh.measure_memory(case, device=device_kind)
                group.peaks.update({name: figures["peak"] for name, figures in measured.items()})
            return group

        group = cache.get((_function_of(request.node), case.group), make)
        report_group(group, member)
        return group

    return compare


def _parameters_of(item: pytest.Item) -> dict[str, Any]:
    return item.callspec.params if hasattr(item, "callspec") else {}


def _function_of(item: pytest.Item) -> tuple[Any, ...]:
    """Return what the tests of all members of a case share, and no other test has."""
    # The ID of a test need not name its file: those outside of the root have none.
    parameters = _parameters_of(item).items()
    others = sorted((name, id(value)) for name, value in parameters if name != "member")
    return item.path, item.nodeid.partition("[")[0], *others


def _is_quick(item: pytest.Item) -> bool:
    case = _parameters_of(item).get("case")
    return not isinstance(case, Case) or case.quick
