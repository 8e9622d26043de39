"""A copy of a network that may be changed and simulated, and the network does not notice."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import nengo
from nengo.base import ObjView
from nengo.connection import LearningRule
from nengo.ensemble import Neurons
from nengo.exceptions import ValidationError

from nengo_layers_plus._upstream import nengo_dl, random_state_kept, tf
from nengo_layers_plus.graph._keras_layers import mark_inputs_built


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
        with warnings.catch_warnings(), random_state_kept():
            warnings.simplefilter("ignore")  # nengo: that copies are in no network yet
            for node in network.all_nodes:
                if isinstance(node, nengo_dl.TensorNode):
                    self._copies[id(node)] = self._copy_tensor_node(node)
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

    def _copy_tensor_node(self, node: nengo_dl.TensorNode) -> nengo_dl.TensorNode:
        function = self._copy_or_share(node.tensor_func)
        mark_inputs_built(function)
        new = nengo_dl.TensorNode(
            function,
            shape_in=node.shape_in,
            shape_out=node.shape_out,
            pass_time=node.pass_time,
            label=node.label,
            add_to_container=False,
        )
        new.seed = node.seed
        return new

    def _copy_or_share(self, value: Any) -> Any:
        """Copy what an object holds; what can't be copied is shared with the network."""
        try:
            return copy.deepcopy(value, self._copies)
        except Exception:  # the code of a user may fail in any way
            if isinstance(value, tf.keras.layers.Layer):
                # a model with layers that Keras can't save
                new = type(value).from_config(value.get_config())
                if value.built:
                    new.build(value.input_shape)
                    new.set_weights(value.get_weights())
            else:
                new = value
            self._copies[id(value)] = new
            return new
