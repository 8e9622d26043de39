"""Whether objects of a network train, as settings that stay."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import nengo
import numpy as np
from nengo.config import ClassParams, InstanceParams
from nengo.exceptions import ValidationError

from nengo_layers_plus.layers._enclosing import enclosing_call


class FixedTrainable(InstanceParams):
    """
    The ``trainable`` setting of one object, which stays when that of its class is set anew.

    ``nengo_dl.configure_settings(trainable=...)`` replaces the parameter of the class and with
    it forgets what was set for objects; a plain setting made by a layer would be lost in silence.

    Parameters
    ----------
    configures : NengoObject or nengo.ensemble.Neurons
        The object.
    clsparams : nengo.config.ClassParams
        The settings of its class.
    value : bool
        Whether the object trains.
    """

    def __init__(self, configures: Any, clsparams: ClassParams, value: bool | None) -> None:
        super().__init__(configures, clsparams)
        self._trainable: bool | None = value
        self._frozen_from: tuple[InstanceParams | None] | None = None

    @property
    def frozen_from(self) -> tuple[InstanceParams | None] | None:
        """In a tuple, what was in its place when the object was frozen; None if it was not."""
        return self._frozen_from

    @frozen_from.setter
    def frozen_from(self, before: tuple[InstanceParams | None]) -> None:
        self._frozen_from = before

    @property
    def trainable(self) -> bool | None:
        """Whether the object trains; None follows its class."""
        if self._trainable is None:
            return getattr(self._clsparams, "trainable", None)
        return self._trainable

    def __setattr__(self, key: str, value: Any) -> None:
        if key == "frozen_from":
            object.__setattr__(self, key, value)
        elif key != "trainable":
            super().__setattr__(key, value)
        elif value is None or isinstance(value, bool | np.bool_):
            self._trainable = None if value is None else bool(value)
        else:
            raise ValidationError(
                f"expected True, False or None, got {value!r}", attr=key, obj=self._configures
            )

    def keep_others(self, before: InstanceParams) -> None:
        """Take over what else was set for the object."""
        for name in self._clsparams.extra_params:
            if name != "trainable" and name in before:
                setattr(self, name, getattr(before, name))

    def __delattr__(self, key: str) -> None:
        if key == "trainable":
            self._trainable = None
        else:
            super().__delattr__(key)


def fix_trainable(
    config: nengo.Config, obj: Any, trains: bool | None, undo: ExitStack
) -> FixedTrainable:
    """
    Set whether an object trains, such that a later setting for its class does not undo it.

    Parameters
    ----------
    config : nengo.Config
        That of the network around the object.
    obj : NengoObject or nengo.ensemble.Neurons
        The object.
    trains : bool or None
        Whether it trains; None follows its class.
    undo : ExitStack
        Is told how to take it back.

    Returns
    -------
    setting : FixedTrainable
    """
    cls = next((each for each in type(obj).__mro__ if each in config.params), None)
    if cls is None:
        cls = type(obj)
        config.configures(cls)
    before = config.params.get(obj)
    setting = FixedTrainable(obj, config.params[cls], trains)
    if before is not None:
        setting.keep_others(before)
    config.params[obj] = setting
    undo.callback(put_back_setting, config, obj, before)
    return setting


def is_set(config: nengo.Config, obj: Any) -> bool:
    """Say whether it was set for an object itself whether it trains."""
    own = config.params.get(obj)
    return isinstance(own, FixedTrainable) or (own is not None and "trainable" in own)


def put_back_setting(config: nengo.Config, obj: Any, before: InstanceParams | None) -> None:
    """Give an object the settings that it had before."""
    if before is None:
        config.params.pop(obj, None)
    else:
        config.params[obj] = before


def let_train(connection: nengo.Connection, trains: bool) -> None:
    """
    Say whether a connection trains that a layer adds in `CustomLayer.on_built`.

    Parameters
    ----------
    connection : nengo.Connection
        A connection of the network of the call.
    trains : bool
        Whether it trains. If it has no weights, there is nothing to say.
    """
    if not connection.has_weights:
        return
    enclosing = enclosing_call()
    config = nengo.Network.context[-1].config
    fix_trainable(config, connection, trains, ExitStack() if enclosing is None else enclosing.undo)
