"""Freezes parts of a network, and has them train again, after it was made."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any
from weakref import WeakKeyDictionary

import nengo

from nengo_layers_plus._upstream import nengo_dl, tf, with_sublayers
from nengo_layers_plus.graph import Parameter
from nengo_layers_plus.graph._settings import Notes
from nengo_layers_plus.layers._trainable import (
    FixedSetting,
    fix_trainable,
    note_asked,
    put_back_setting,
    set_keras_trainable,
)
from nengo_layers_plus.neurons import changed as with_changes
from nengo_layers_plus.neurons import model_in
from nengo_layers_plus.parameters._chosen_parts import ChosenParts
from nengo_layers_plus.parameters._errors import ParameterError, SimulatorBuiltError
from nengo_layers_plus.parameters._simulator_parameters import SimulatorParameters, is_learned

# whether Keras layers trained before they were frozen
_before: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()
# what has a synapse, and the parameters of neurons, that trained before they were frozen
_frozen_synapses = Notes("frozen synapse")
_frozen_parameters = Notes("frozen parameters")


def freeze(network: nengo.Network, *what: Any) -> tuple[str, ...]:
    """
    Keep parts of a network as they are in training.

    Parameters
    ----------
    network : nengo.Network
        Any network, whatever made it. It must not have been given to a Simulator yet: what trains
        is fixed there.
    *what
        Any of these, or iterables of them:

        - a `.CustomLayer`: all that it made in the network, with the weights of the connections
          into it; also a `.Sequential` or a slice of one
        - an Ensemble (its encoders and biases, and parameters of its neuron type that train),
          Neurons (biases), a Connection (weights) or a
          TensorNode (the weights of its Keras layer); a slice stands for the whole object
        - a subnetwork, or the network itself: everything in it
        - a Keras layer, also one within a model
        - a pattern such as ``"conv*"``, ``"hidden.bias"`` or ``"*.bias"``, for the names of
          objects and of parameters that `.NetworkGraph` shows. The weights of a connection go
          with the name of the object that it leads to, ``"hidden.weights"``; a pattern with an
          arrow is compared with the whole name, ``"image->hidden.weights"``.

    Returns
    -------
    names : tuple of str
        The names of the parameters that are frozen now, in the order data flows.

    Raises
    ------
    ParameterError
        If something is not in the network, if a pattern means nothing, if what was named itself
        has nothing that could train, if only a part of the weights of one Keras layer was named,
        or if a learning rule changes something of it. The network is then as it was.
    SimulatorBuiltError
        If a Simulator was given. The error says how to go on, and holds the weights.

    Notes
    -----
    A Keras layer that is used in several places is frozen in all of them, also in other networks.
    A later `.CustomLayer` of the network that asks for its weights to train raises an error.

    What learning rules move in a simulation can't be frozen: remove the rule.

    Examples
    --------
    >>> import nengo
    >>> import tensorflow as tf
    >>> from nengo_layers_plus import CustomLayer, freeze, graph, unfreeze
    >>> with nengo.Network() as net:
    ...     image = nengo.Node([0.0] * 4, label="image")
    ...     hidden = CustomLayer(nengo.LIF(), label="hidden")(image)
    ...     output = CustomLayer(tf.keras.layers.Dense(2), label="output")
    ...     probe = nengo.Probe(output(hidden))
    >>> freeze(net, "hidden")
    ('hidden.encoders', 'hidden.bias')
    >>> [parameter.name for parameter in graph.what_trains(net).trained]
    ['output.kernel', 'output.bias']
    >>> freeze(net, output)
    ('output.kernel', 'output.bias')
    >>> unfreeze(net, "*.bias")
    Traceback (most recent call last):
        ...
    nengo_layers_plus.parameters._errors.ParameterError: '*.bias' means output.bias and not ...
    >>> unfreeze(net, "hidden.bias", output)
    ('hidden.bias', 'output.kernel', 'output.bias')
    """
    _check_no_simulator(network, "freeze")
    chosen = ChosenParts(network, what)
    _check_no_learning_rules(chosen.parameters)
    with ExitStack() as undo:
        _keep_bias(chosen, undo)
        for parameter in chosen.of_kind("connection weights", "encoders", "bias"):
            _freeze_setting(chosen, _configured(parameter), undo)
        for ensemble, parameters in _by_ensemble(chosen).items():
            names = {parameter.source.parameter for parameter in parameters}
            trained = _trained_names(ensemble)
            frozen = _frozen_parameters.get(ensemble, frozenset())
            _frozen_parameters[ensemble] = frozen | (trained & names)
            _set_trained_names(ensemble, trained - names, undo)
        for parameter in chosen.of_kind("synapse parameter"):
            if _synapse_of(parameter.obj).trainable:
                _frozen_synapses[parameter.obj] = True
                _set_synapse_trainable(parameter.obj, False, undo)
        layers = [inner for layer in chosen.layers for inner in with_sublayers(layer)]
        _set_layers(chosen, dict.fromkeys(layers, False), "freeze", undo)
        undo.pop_all()
    return tuple(parameter.name for parameter in chosen.parameters)


def unfreeze(network: nengo.Network, *what: Any) -> tuple[str, ...]:
    """
    Take back what `freeze` did, or have parts of a network train.

    What `freeze` froze goes back to what it was. Of what it did not freeze, biases, encoders and
    the weights of Keras layers train from now on, unless only a network around them was named. A
    connection trains if it was named itself.

    Parameters
    ----------
    network : nengo.Network
        Any network that was not given to a Simulator yet.
    *what
        As for `freeze`. Connections are named themselves by giving the Connection, or by a
        pattern that means its weights and not the object behind it, such as
        ``"hidden.weights"``.

    Returns
    -------
    names : tuple of str
        The names of the parameters that were set, in the order data flows.

    Raises
    ------
    ParameterError
        As for `freeze`; also if a connection that was named has no weights.
    SimulatorBuiltError
        If a Simulator was given.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus import CustomLayer, freeze, graph, unfreeze
    >>> with nengo.Network() as net:
    ...     image = nengo.Node([0.0] * 4, label="image")
    ...     hidden = CustomLayer(nengo.LIF(), label="hidden")(image, transform=2)
    ...     probe = nengo.Probe(hidden)
    >>> unfreeze(net, "hidden.weights")
    ('image->hidden.weights',)
    >>> [parameter.name for parameter in graph.what_trains(net).trained]
    ['image->hidden.weights', 'hidden.bias']
    """
    _check_no_simulator(network, "unfreeze")
    chosen = ChosenParts(network, what)
    _check_no_learning_rules(p for p in chosen.parameters if p in chosen.explicit)
    with ExitStack() as undo:
        changed: set[Parameter] = set()
        _keep_bias(chosen, undo)
        for parameter in chosen.of_kind("connection weights", "encoders", "bias"):
            obj = _configured(parameter)
            is_named = (
                parameter in chosen.explicit
                if parameter.kind == "connection weights"
                else not (chosen.by_network[parameter] or is_learned(parameter.source))
            )
            # a connection that was named itself trains, whatever it did before
            was_put_back = parameter not in chosen.explicit and _put_back(chosen, obj, undo)
            if is_named and not was_put_back:
                fix_trainable(_config(chosen, obj), obj, True, undo)
            if is_named or was_put_back:
                changed.add(parameter)
        for ensemble, parameters in _by_ensemble(chosen).items():
            frozen = _frozen_parameters.get(ensemble, frozenset())
            back = {
                parameter.source.parameter: parameter
                for parameter in parameters
                if parameter.source.parameter in frozen or not chosen.by_network[parameter]
            }
            _frozen_parameters[ensemble] = frozen - back.keys()
            _set_trained_names(ensemble, _trained_names(ensemble) | back.keys(), undo)
            changed.update(back.values())
        for parameter in chosen.of_kind("synapse parameter"):
            if _frozen_synapses.get(parameter.obj) or not chosen.by_network[parameter]:
                _frozen_synapses[parameter.obj] = False
                _set_synapse_trainable(parameter.obj, True, undo)
                changed.add(parameter)
        trains = {
            inner: _before.get(inner, True)
            for layer, by_network in chosen.layers.items()
            for inner in with_sublayers(layer)
            if inner in _before or not by_network
        }
        _set_layers(chosen, trains, "unfreeze", undo)
        weights = chosen.of_kind("Keras weights")
        changed.update(parameter for parameter in weights if parameter.holder in trains)
        undo.pop_all()
    return tuple(parameter.name for parameter in chosen.parameters if parameter in changed)


def _check_no_simulator(network: Any, verb: str) -> None:
    if not isinstance(network, nengo_dl.Simulator):
        return
    message = (
        f"what trains is fixed when a Simulator is built. {verb} the network, and make a new "
        "Simulator of it"
    )
    if network.closed:
        raise SimulatorBuiltError(message)
    parameters = SimulatorParameters(network, f"{verb} parts of").read()
    raise SimulatorBuiltError(
        f"{message}; this error has the weights, which the new one can be given:\n\n"
        "    try:\n"
        f"        {verb}(sim, ...)\n"
        "    except SimulatorBuiltError as error:\n"
        "        parameters = error.parameters\n"
        f"    {verb}(network, ...)\n"
        "    with Simulator(network) as new_sim:\n"
        "        load_parameters(new_sim, parameters)",
        parameters,
    )


def _check_no_learning_rules(parameters: Iterable[Parameter]) -> None:
    names = [parameter.name for parameter in parameters if is_learned(parameter.source)]
    if names:
        raise ParameterError(
            f"{', '.join(names)}: a learning rule changes it, whatever is set to train; remove the "
            "rule, or leave it out here"
        )


def _configured(parameter: Parameter) -> Any:
    """Return the object whose setting says whether a parameter trains."""
    return parameter.obj.neurons if parameter.kind == "bias" else parameter.obj


def _config(chosen: ChosenParts, obj: Any) -> nengo.Config:
    # the innermost network has the last word
    return chosen.graph.path(obj)[-1].config


def _freeze_setting(chosen: ChosenParts, obj: Any, undo: ExitStack) -> None:
    config = _config(chosen, obj)
    before = config.params.get(obj)
    setting = fix_trainable(config, obj, False, undo)
    frozen_before = before.frozen_from if isinstance(before, FixedSetting) else None
    setting.frozen_from = (before,) if frozen_before is None else frozen_before


def _put_back(chosen: ChosenParts, obj: Any, undo: ExitStack) -> bool:
    """Give an object the setting that it had before it was frozen, if it was."""
    config = _config(chosen, obj)
    setting = config.params.get(obj)
    if not isinstance(setting, FixedSetting) or setting.frozen_from is None:
        return False
    put_back_setting(config, obj, setting.frozen_from[0])
    undo.callback(put_back_setting, config, obj, setting)
    return True


def _keep_bias(chosen: ChosenParts, undo: ExitStack) -> None:
    """Leave biases as they are where encoders alone are set: they follow those by default."""
    with_bias = {parameter.obj for parameter in chosen.of_kind("bias")}
    for encoders in chosen.of_kind("encoders"):
        neurons = encoders.obj.neurons
        own = chosen.graph.settings(neurons).get("trainable")
        if encoders.obj in with_bias or (own is not None and own.value is not None):
            continue
        followed = chosen.graph.settings(encoders.obj).get("trainable")
        value = True if followed is None or followed.value is None else bool(followed.value)
        fix_trainable(_config(chosen, neurons), neurons, value, undo)


def _by_ensemble(chosen: ChosenParts) -> dict[nengo.Ensemble, list[Parameter]]:
    """Return the parameters of neurons that were chosen, by ensemble."""
    by_ensemble: dict[nengo.Ensemble, list[Parameter]] = {}
    for parameter in chosen.of_kind("neuron parameter"):
        by_ensemble.setdefault(parameter.obj, []).append(parameter)
    return by_ensemble


def _synapse_of(obj: Any) -> Any:
    return obj.output if isinstance(obj, nengo.Node) else obj.synapse


def _set_synapse_trainable(obj: Any, trains: bool, undo: ExitStack) -> None:
    before = _synapse_of(obj)
    name = "output" if isinstance(obj, nengo.Node) else "synapse"
    undo.callback(setattr, obj, name, before)
    setattr(obj, name, before.replace(trainable=trains))


def _trained_names(ensemble: nengo.Ensemble) -> set[str]:
    model = model_in(ensemble.neuron_type)
    assert model is not None  # it has declared what was chosen
    return set(model.trainable_names)


def _set_trained_names(ensemble: nengo.Ensemble, names: set[str], undo: ExitStack) -> None:
    undo.callback(setattr, ensemble, "neuron_type", ensemble.neuron_type)
    ensemble.neuron_type = with_changes(ensemble.neuron_type, trainable=sorted(names) or False)


def _set_layers(chosen: ChosenParts, trains: dict[Any, bool], whose: str, undo: ExitStack) -> None:
    """Set whether Keras layers train, and have those around them train if they must."""
    if not trains:
        return
    tops = [
        top for top in chosen.keras_layers if any(layer in trains for layer in with_sublayers(top))
    ]
    before: dict[Any, bool] = {}
    for top in tops:
        _collect_effective(top, before)
    wanted = before | trains
    for top in tops:
        _open_around(chosen, top, wanted)
    changes: dict[Any, bool] = {}
    for layer in (inner for top in tops for inner in with_sublayers(top)):
        changes.pop(layer, None)  # comes after all that hold it, also in other nodes
        changes[layer] = wanted[layer]
    set_keras_trainable(changes, undo)
    for value in (True, False):
        asked = [layer for layer, trained in trains.items() if trained is value]
        note_asked(chosen.graph.network, asked, value, whose, undo)
    for layer in trains:
        if whose == "freeze":
            _before.setdefault(layer, before[layer])
        else:
            _before.pop(layer, None)


def _open_around(chosen: ChosenParts, top: tf.keras.layers.Layer, wanted: dict[Any, bool]) -> None:
    """Have layers train within which others do: Keras has a layer train only if those around do."""
    for layer in with_sublayers(top):
        if wanted[layer] or not any(wanted[inner] for inner in with_sublayers(layer)):
            continue
        wanted[layer] = True
        held = [weight.name for weight in chosen.graph.parameters if weight.holder is layer]
        if held:
            raise ParameterError(
                f"the Keras layer {layer.name!r} is frozen and holds {', '.join(held)} itself; a "
                "layer within it can't train alone. Name the whole of it"
            )


def _collect_effective(top: tf.keras.layers.Layer, effective: dict[Any, bool]) -> None:
    """Note of a Keras layer and all within it whether they train; those of a frozen one do not."""
    frozen: set[int] = set()
    for layer in with_sublayers(top):
        trains = bool(layer.trainable) and id(layer) not in frozen
        if not trains:
            frozen.update(id(inner) for inner in with_sublayers(layer))
        effective[layer] = effective.get(layer, True) and trains
