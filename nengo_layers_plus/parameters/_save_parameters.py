"""Saves the parameters of a Simulator."""

from __future__ import annotations

import os

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.parameters._given_values import GivenValues
from nengo_layers_plus.parameters._parameter_file import ParameterFile, write_file
from nengo_layers_plus.parameters._simulator_parameters import SimulatorParameters


def save_parameters(sim: nengo_dl.Simulator, path: str | os.PathLike[str]) -> None:
    """
    Save all that is drawn or learned in a Simulator to a file, by name.

    That is everything in `.NetworkGraph.parameters` (weights of connections, encoders, biases,
    weights and state of Keras layers), the gains of neurons, and the decoders with which probes
    read ensembles. What the network itself says (outputs of Nodes, synapses, time constants,
    where a sparse transform has its values) is not saved, nor the state of a simulation, such as
    voltages.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        An open Simulator of any network.
    path : str or os.PathLike
        The file. The name is used as it is given; ``.safetensors`` is usual.

    Raises
    ------
    ParameterError
        If a learning rule has moved weights differently in the items of the minibatch, or if
        ``path`` is no path.
    nengo.exceptions.SimulatorClosed
        If the Simulator is closed.
    OSError
        If the file can't be written.

    Notes
    -----
    The file does not depend on the minibatch size and on the device. It is in the format of
    safetensors, and holds no code. It is written whole or not at all: a file that is there stays
    as it is until all of the new one is on the disk.

    The weights of a Keras layer that is used in several places are saved once.

    With the values the file has a checksum of them, and what the network itself gave: amplitudes
    of neurons, and numbers for gains, time constants and so on, which `load_parameters` compares
    with those of the network that it loads into.

    Examples
    --------
    >>> import tempfile
    >>> import nengo
    >>> from nengo_layers_plus import CustomLayer, load_parameters, nengo_dl, save_parameters
    >>> def build(seed):
    ...     with nengo.Network(seed=seed) as net:
    ...         nengo.Probe(CustomLayer(nengo.LIFRate(), label="hidden")(nengo.Node([1.0] * 3)))
    ...     return net
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with nengo_dl.Simulator(build(seed=0), progress_bar=False) as sim:
    ...         save_parameters(sim, f"{folder}/weights.safetensors")
    ...         expected = sim.predict(n_steps=1, verbose=0)
    ...     with nengo_dl.Simulator(build(seed=1), progress_bar=False) as sim:
    ...         report = load_parameters(sim, f"{folder}/weights.safetensors")
    ...         found = sim.predict(n_steps=1, verbose=0)
    >>> report.loaded
    ('hidden.encoders', 'hidden.bias', 'hidden.gain')
    >>> [bool((a == b).all()) for a, b in zip(expected.values(), found.values())]
    [True]
    """
    parameters = SimulatorParameters(sim, "save the parameters of")
    kinds = {each.name: each.kind for each in parameters}
    contents = ParameterFile(
        parameters.read(),
        parameters.amplitudes,
        given=GivenValues(parameters).statements,
        trained={each.name: each.kind for each in parameters if each.trains},
    )
    write_file(path, contents, kinds)
