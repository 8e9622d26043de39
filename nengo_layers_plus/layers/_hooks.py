"""The hooks of a layer, as names."""

from __future__ import annotations

import difflib
import inspect
import warnings

HOOKS = ("make_layer_func", "make_ensemble_kwargs", "make_synapse", "make_trainable", "on_built")


def overridden_hooks(cls: type, base: type) -> list[str]:
    """Return the names of the hooks that a subclass overrides."""
    return [
        name
        for name in HOOKS
        if inspect.getattr_static(cls, name) is not inspect.getattr_static(base, name)
    ]


def warn_of_misspelt_hooks(cls: type) -> None:
    """
    Warn of methods that look like a hook and would never run.

    Parameters
    ----------
    cls : type
        A subclass of CustomLayer, when it is made.
    """
    for name in vars(cls):
        near = difflib.get_close_matches(name, HOOKS, n=1, cutoff=0.85)
        if near and name not in HOOKS:
            warnings.warn(
                f"{cls.__name__}.{name} is no hook of a layer and will not run by itself; did "
                f"you mean {near[0]}?",
                stacklevel=3,  # where the class is defined
            )
