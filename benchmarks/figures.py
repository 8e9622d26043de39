"""What is kept of a measurement beside its seconds: one flat dict a member, for reports."""

from __future__ import annotations

from typing import Any

from benchmarks.case import Case
from benchmarks.measure import Measurement


def describe(
    case: Case, member: str, device: str, n_neurons: int, use: str | None = None
) -> dict[str, Any]:
    """
    Say what was measured.

    Parameters
    ----------
    case : Case
        The case.
    member : str
        Whose figures they are.
    device : {"cpu", "gpu"}
        Where it ran.
    n_neurons : int
        How many neurons the network has.
    use : str
        What was timed, where it is not the use of the case.

    Returns
    -------
    info : dict
        By name.
    """
    info = {
        "suite": case.suite,
        "network": case.network,
        "label": case.label or case.network,
        "use": use or case.use,
        "neurons": type(case.neurons).__name__,
        "member": member,
        "minibatch": case.minibatch,
        "n_steps": case.n_steps,
        "batches": case.batches,
        "n_neurons": n_neurons,
        "device": device,
    }
    if case.axis:
        info["axis"] = case.axis
    if case.target is not None:
        info["target"] = float(case.target)
    if case.memory_target is not None:
        info["peak_memory_target"] = case.memory_target
    return info


def summarise(
    measured: Measurement, member: str, samples_steps: int | None = None
) -> dict[str, float]:
    """
    Say how fast it was.

    Parameters
    ----------
    measured : Measurement
        What was measured of all members.
    member : str
        Whose figures they are.
    samples_steps : int or None
        Samples times steps that were timed.

    Returns
    -------
    info : dict of float
        By name. Ratios are to "stock", within the same round, if it was measured; and
        ``times_of_keras`` is how many times as long as "keras" ours takes.
    """
    info: dict[str, float] = {}
    if samples_steps is not None:
        info["samples_steps"] = samples_steps
        info["samples_steps_per_second"] = samples_steps / measured.median(member)
    if "stock" in measured.seconds:
        ratios = measured.ratios("stock", member)
        info["ratio_to_stock"] = measured.ratio("stock", member)
        info["ratio_least"] = min(ratios)
        info["ratio_most"] = max(ratios)
    if member == "ours" and "keras" in measured.seconds:
        info["times_of_keras"] = measured.ratio("ours", "keras")
    if member in measured.agreement:
        info["agreement"] = measured.agreement[member]
    return info
