"""Sets what of a network trains, after it was written."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from weakref import WeakKeyDictionary

import nengo
from nengo.ensemble import Neurons

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
from nengo_layers_plus.parameters._simulator_parameters import SimulatorParameters

# whether Keras layers trained before they were frozen
_before: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()
# what has a synapse, and the parameters of neurons, that trained before they were frozen
_frozen_synapses = Notes("frozen synapse")
_frozen_parameters = Notes("frozen parameters")


def freeze(network: nengo.Network, *what: Any) -> tuple[str, ...]:
    """
    Have nothing of some parts of a network move in training.

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
        for each in chosen.of_kind("connection weights"):
            _freeze_setting(chosen, each.obj, undo)
        _keep_bias(chosen, undo)
        for each in chosen.of_kind("encoders"):
            _freeze_setting(chosen, each.obj, undo)
        for each in chosen.of_kind("bias"):
            _freeze_setting(chosen, each.obj.neurons, undo)
        for ensemble, names in _neuron_parameters(chosen).items():
            frozen = _frozen_parameters.get(ensemble, frozenset())
            _frozen_parameters[ensemble] = frozen | (_trained_names(ensemble) & names)
            _set_trained_names(ensemble, _trained_names(ensemble) - names, undo)
        for each in chosen.of_kind("synapse parameter"):
            if _synapse_of(each.obj).trainable:
                _frozen_synapses[each.obj] = True
                _set_synapse_trainable(each.obj, False, undo)
        layers = [each for layer in chosen.layers for each in with_sublayers(layer)]
        _set_layers(chosen, dict.fromkeys(layers, False), "freeze", undo)
        undo.pop_all()
    return tuple(each.name for each in chosen.parameters)


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
    _check_no_learning_rules([each for each in chosen.parameters if each in chosen.explicit])
    with ExitStack() as undo:
        changed: set[Parameter] = set()
        for each in chosen.of_kind("connection weights"):
            if each in chosen.explicit:
                fix_trainable(_config(chosen, each.obj), each.obj, True, undo)
                changed.add(each)
            elif _put_back(chosen, each.obj, undo):
                changed.add(each)
        _keep_bias(chosen, undo)
        for kind in ("encoders", "bias"):
            for each in chosen.of_kind(kind):
                obj = each.obj if kind == "encoders" else each.obj.neurons
                if _put_back(chosen, obj, undo):
                    changed.add(each)
                elif not (chosen.by_network[each] or _learns(each)):
                    fix_trainable(_config(chosen, obj), obj, True, undo)
                    changed.add(each)
        for ensemble in _neuron_parameters(chosen):
            frozen = _frozen_parameters.get(ensemble, frozenset())
            back = {
                each.source.parameter
                for each in chosen.of_kind("neuron parameter")
                if each.obj is ensemble
                and (each.source.parameter in frozen or not chosen.by_network[each])
            }
            _frozen_parameters[ensemble] = frozen - back
            _set_trained_names(ensemble, _trained_names(ensemble) | back, undo)
            changed.update(
                each
                for each in chosen.of_kind("neuron parameter")
                if each.obj is ensemble and each.source.parameter in back
            )
        for each in chosen.of_kind("synapse parameter"):
            if _frozen_synapses.get(each.obj) or not chosen.by_network[each]:
                _frozen_synapses[each.obj] = False
                _set_synapse_trainable(each.obj, True, undo)
                changed.add(each)
        trains = {
            each: _before.get(each, True)
            for layer, by_network in chosen.layers.items()
            for each in with_sublayers(layer)
            if each in _before or not by_network
        }
        _set_layers(chosen, trains, "unfreeze", undo)
        changed.update(each for each in chosen.of_kind("Keras weights") if each.holder in trains)
        undo.pop_all()
    return tuple(each.name for each in chosen.parameters if each in changed)


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


def _learns(parameter: Parameter) -> bool:
    """Say whether a learning rule of nengo moves it; nengo_dl has values of it for each item."""
    return bool(getattr(parameter.source, "minibatched", False))


def _check_no_learning_rules(parameters: Any) -> None:
    names = [each.name for each in parameters if _learns(each)]
    if names:
        raise ParameterError(
            f"{', '.join(names)}: a learning rule changes it, whatever is set to train; remove the "
            "rule, or leave it out here"
        )


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
    for each in chosen.of_kind("encoders"):
        neurons: Neurons = each.obj.neurons
        if any(other.obj is each.obj for other in chosen.of_kind("bias")):
            continue
        own = chosen.graph.settings(neurons).get("trainable")
        if own is None or own.value is None:
            followed = chosen.graph.settings(each.obj).get("trainable")
            value = True if followed is None or followed.value is None else bool(followed.value)
            fix_trainable(_config(chosen, neurons), neurons, value, undo)


def _neuron_parameters(chosen: ChosenParts) -> dict[nengo.Ensemble, set[str]]:
    """Return the names of the parameters of neurons that were chosen, by ensemble."""
    found: dict[nengo.Ensemble, set[str]] = {}
    for each in chosen.of_kind("neuron parameter"):
        found.setdefault(each.obj, set()).add(each.source.parameter)
    return found


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
        top for top in chosen.keras_layers if any(each in trains for each in with_sublayers(top))
    ]
    before: dict[Any, bool] = {}
    for top in tops:
        _collect_effective(top, before)
    wanted = before | trains
    for top in tops:
        _open_around(chosen, top, wanted)
    changes: dict[Any, bool] = {}
    for top in tops:
        for each in with_sublayers(top):
            changes.pop(each, None)  # comes after all that hold it, also in other nodes
            changes[each] = wanted[each]
    set_keras_trainable(changes, undo)
    for value in (True, False):
        asked = [each for each, trained in trains.items() if trained is value]
        note_asked(chosen.graph.network, asked, value, whose, undo)
    for each in trains:
        if whose == "freeze":
            _before.setdefault(each, before[each])
        else:
            _before.pop(each, None)


def _open_around(chosen: ChosenParts, top: tf.keras.layers.Layer, wanted: dict[Any, bool]) -> None:
    """Have layers train within which others do: Keras has a layer train only if those around do."""
    for each in with_sublayers(top):
        if wanted[each] or not any(wanted[inner] for inner in with_sublayers(each)):
            continue
        wanted[each] = True
        held = [weight.name for weight in chosen.graph.parameters if weight.holder is each]
        if held:
            raise ParameterError(
                f"the Keras layer {each.name!r} is frozen and holds {', '.join(held)} itself; a "
                "layer within it can't train alone. Name the whole of it"
            )


def _collect_effective(top: tf.keras.layers.Layer, found: dict[Any, bool]) -> None:
    """Note of a Keras layer and all within it whether they train; those of a frozen one do not."""
    frozen: set[int] = set()
    for each in with_sublayers(top):
        trains = bool(each.trainable) and id(each) not in frozen
        if not trains:
            frozen.update(id(inner) for inner in with_sublayers(each))
        found[each] = found.get(each, True) and trains
