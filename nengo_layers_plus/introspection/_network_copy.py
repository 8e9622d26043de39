"""A copy of a network that may be changed and simulated, and the network does not notice."""

from __future__ import annotations

import copy
import types
import warnings
from collections import ChainMap, deque
from collections.abc import MutableMapping
from typing import Any

import nengo
import numpy as np
from nengo.base import ObjView
from nengo.connection import LearningRule
from nengo.ensemble import Neurons
from nengo.exceptions import ValidationError

from nengo_layers_plus._upstream import copy_layer, nengo_dl, random_state_kept, tf

# what a function may keep in variables around it, and change
_KEPT = (int, float, list, dict, set, deque, np.ndarray, np.random.RandomState, np.random.Generator)


class NetworkCopy:
    """
    A copy of a network, and which of its objects are copies of which.

    A Simulator gives the Keras layers of its network new weights, and Nodes may keep what they
    like between steps. What is run here leaves the network, and Simulators of it, alone.

    Parameters
    ----------
    network : nengo.Network
        The network.

    Raises
    ------
    nengo.exceptions.ValidationError
        If it holds something that Python can't copy.
    """

    def __init__(self, network: nengo.Network) -> None:
        self._copies: dict[int, Any] = {}
        self._kept_alive: list[Any] = []
        with warnings.catch_warnings(), random_state_kept():
            warnings.simplefilter("ignore")  # nengo: that copies are in no network yet
            for node in network.all_nodes:
                if isinstance(node, nengo_dl.TensorNode):
                    self._copy_or_share(node.tensor_func)
                elif not isinstance(node.output, nengo.Process):
                    self._copy_or_share(node.output)
            try:
                self.network: nengo.Network = copy.deepcopy(network, self._copies)
            except Exception as error:
                raise ValidationError(
                    f"can't be copied to be run beside itself ({type(error).__name__}: {error}); "
                    "something in it can't be copied by copy.deepcopy. Give its class a "
                    "__deepcopy__ method",
                    attr="network",
                    obj=network,
                ) from error
        self._originals = {
            id(self._copies[id(obj)]): obj for obj in network.all_objects if id(obj) in self._copies
        }

    def __getitem__(self, obj: Any) -> Any:
        """Return the copy of an object of the network, of its neurons or of a slice of it."""
        if isinstance(obj, ObjView):
            return self[obj.obj][obj.slice]
        if isinstance(obj, Neurons):
            return self[obj.ensemble].neurons
        if isinstance(obj, LearningRule):
            return self[obj.connection].learning_rule
        return self._copies[id(obj)]

    def original(self, obj: Any) -> Any:
        """Return the object that one is a copy of; what was added to the copy is returned."""
        return self._originals.get(id(obj), obj)

    def _copy_or_share(self, value: Any) -> Any:
        """Copy what an object holds; what can't be copied is shared with the network."""
        if id(value) in self._copies:
            return self._copies[id(value)]
        made: dict[int, Any] = {}
        copies: ChainMap[int, Any] = ChainMap(made, self._copies)
        try:
            if isinstance(value, types.FunctionType) and value.__closure__:
                new: Any = _copy_function(value, copies)
            elif isinstance(value, tf.keras.layers.Layer):
                new = copy_layer(value, copies)
            else:
                new = copy.deepcopy(value, copies)  # type: ignore[arg-type]
        except Exception:  # the code of a user may fail in any way; half of it may be made
            new = value
        else:
            # what was made on the way, whose place in memory something else must not get
            self._kept_alive.append(made.pop(id(copies), None))
            self._copies |= made
        self._copies[id(value)] = new
        return new


def _copy_function(function: types.FunctionType, copies: MutableMapping[int, Any]) -> Any:
    """Copy a function with the plain values in variables around it, which it may change."""
    new = types.FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        tuple(_copy_cell(cell, copies) for cell in function.__closure__ or ()),
    )
    new.__kwdefaults__ = function.__kwdefaults__
    new.__dict__.update(function.__dict__)
    return new


def _copy_cell(cell: Any, copies: MutableMapping[int, Any]) -> Any:
    if not isinstance(cell.cell_contents, _KEPT):
        return cell
    if id(cell) not in copies:  # others may have it too
        contents = copy.deepcopy(cell.cell_contents, copies)  # type: ignore[arg-type]
        copies[id(cell)] = types.CellType(contents)
    return copies[id(cell)]
