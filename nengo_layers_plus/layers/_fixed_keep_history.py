"""Probes that record all steps, whatever is set for other probes."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import nengo
from nengo.config import InstanceParams
from nengo.exceptions import ValidationError

from nengo_layers_plus.layers._fixed_trainable import put_back_setting


class FixedKeepHistory(InstanceParams):
    """
    The settings of a probe that keeps its history, whatever is set for its class.

    ``nengo_dl.configure_settings(keep_history=...)`` replaces the parameter of the class, and with
    it forgets what was set for objects.
    """

    @property
    def keep_history(self) -> bool:
        """Always True."""
        return True

    def __setattr__(self, key: str, value: Any) -> None:
        if key != "keep_history":
            super().__setattr__(key, value)
        elif not value:
            raise ValidationError(
                "this probe has to record all steps, since what it records is averaged over "
                "them; set keep_history for other probes",
                attr=key,
                obj=self._configures,
            )

    def __delattr__(self, key: str) -> None:
        if key != "keep_history":
            super().__delattr__(key)


def fix_keep_history(network: nengo.Network, probe: nengo.Probe, undo: ExitStack) -> None:
    """
    Have a probe record all steps, such that a later setting for its class does not undo it.

    Parameters
    ----------
    network : nengo.Network
        A network that may be the one at the top, whose configuration alone nengo_dl asks.
    probe : nengo.Probe
        The probe.
    undo : ExitStack
        Is told how to take it back.
    """
    params = network.config.params
    before = params.get(probe)
    params[probe] = FixedKeepHistory(probe, params[nengo.Probe])
    undo.callback(put_back_setting, network.config, probe, before)
