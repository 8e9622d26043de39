"""TensorFlow and nengo_dl for the modules that are imported before these are."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any


class _LazyModule(ModuleType):
    """A module that is imported when one of its names is first used."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self.__name__), name)


tf: Any = _LazyModule("tensorflow")
nengo_dl: Any = _LazyModule("nengo_dl")
