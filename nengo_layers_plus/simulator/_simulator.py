"""A Simulator that runs networks layer by layer."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import nengo
import numpy as np
from nengo.ensemble import Neurons
from nengo.exceptions import SimulationError, ValidationError
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus._upstream._array_model import use_array_model
from nengo_layers_plus._upstream._repairs import keras_call
from nengo_layers_plus._upstream._tensor_graph import replace_class
from nengo_layers_plus._upstream._tensorflow import custom_gradients_kept
from nengo_layers_plus.graph import TrainingReport, what_trains
from nengo_layers_plus.graph._keras_layers import mark_inputs_built
from nengo_layers_plus.parameters import LoadedParameters, load_parameters, save_parameters
from nengo_layers_plus.parameters._parameter_file import check_path, checked_params_file
from nengo_layers_plus.simulator._arguments import CHECKED_OF_KERAS, check_arguments
from nengo_layers_plus.simulator._array_calls import ArrayCalls
from nengo_layers_plus.simulator._execution import Execution
from nengo_layers_plus.simulator._given_data import GivenData
from nengo_layers_plus.simulator._gradient_check import check_gradients
from nengo_layers_plus.simulator._layerwise_graph import LayerwiseGraph
from nengo_layers_plus.simulator._lif import starts_regularly
from nengo_layers_plus.simulator._live_data import (
    LiveData,
    check_members,
    freeze_synapse,
    with_learned_parameters,
)
from nengo_layers_plus.simulator._settings import Truncation


class Simulator(nengo_dl.Simulator):
    """
    `nengo_dl.Simulator`, many times faster, with parameters by name.

    Where `nengo_dl.Simulator` computes all of a network for one step, then for the next, this one
    computes the first layer for all steps, then the second. Only what depends on its own past runs
    along time: neurons and synapses by themselves, recurrent connections and learning rules in a
    loop that has nothing else in it.

    It takes the same arguments, runs the same model and returns the same numbers, but for rounding.

    Parameters
    ----------
    network : nengo.Network
        The network.
    dt, seed, model, device, unroll_simulation, minibatch_size, progress_bar
        See `nengo_dl.Simulator`.
    execution : {"auto", "layerwise", "stepwise"}
        How the network runs. ``"auto"``: layer by layer where that is faster. ``"layerwise"``:
        layer by layer, or a `nengo.exceptions.BuildError` that says which parts can't be.
        ``"stepwise"``: one step after another, as in `nengo_dl.Simulator`.
    memory_limit : int, optional
        How many bytes the values of all layers may take, about. Longer sequences are simulated in
        chunks of steps; ``fit`` raises an error. By default 1 GiB in simulation, and as many as the
        gradient needs in ``fit``, as in `nengo_dl.Simulator`.
    check_numerics : bool
        Whether to find where numbers are infinite or not numbers. What is computed in each step,
        and in training its gradient, is checked, and the first place where one of them is not
        finite is raised as a `NonFiniteError`. It takes time and memory: use it to find the cause
        of a loss that is ``nan``, and leave it off otherwise.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an argument can't be used. The error names it, what was expected and what came.
    nengo.exceptions.SimulationError
        In a process that was forked from one in which TensorFlow was at work.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus import CustomLayer, Simulator
    >>> with nengo.Network(seed=0) as net:
    ...     image = nengo.Node([0.5] * 4)
    ...     probe = nengo.Probe(CustomLayer(nengo.LIF(), label="hidden")(image))
    >>> with Simulator(net, progress_bar=False) as sim:
    ...     [parameter.name for parameter in sim.what_trains().trained]
    ...     sim.predict(n_steps=10, verbose=0)[probe].shape
    ...     sim.execution.mode
    ['hidden.bias']
    (1, 10, 4)
    'layerwise'
    """

    def __init__(
        self,
        network: Any,
        dt: float = 0.001,
        seed: int | None = None,
        model: Any = None,
        device: str | None = None,
        unroll_simulation: int = 1,
        minibatch_size: int | None = None,
        progress_bar: bool = True,
        *,
        execution: str = "auto",
        memory_limit: int | None = None,
        check_numerics: bool = False,
    ) -> None:
        self.closed = None  # as in nengo_dl's own, for an object whose making fails
        arguments = {
            "network": network,
            "dt": dt,
            "seed": seed,
            "model": model,
            "device": device,
            "unroll_simulation": unroll_simulation,
            "minibatch_size": minibatch_size,
            "progress_bar": progress_bar,
        }
        check_arguments(
            self,
            **arguments,
            execution=execution,
            memory_limit=memory_limit,
            check_numerics=check_numerics,
        )
        if check_numerics and execution == "stepwise":
            raise ValidationError(
                'expected execution="auto" or "layerwise" with check_numerics=True, got '
                '"stepwise": nengo_dl\'s own loop keeps nothing but the last step, in which no '
                'number can be located. What to do: leave execution="auto"; it computes the same',
                "check_numerics",
                self,
            )
        self._check_numerics = bool(check_numerics)
        self._execution = execution
        self._memory_limit = None if memory_limit is None else int(memory_limit)
        self._minibatched = minibatch_size is not None
        self._writes_state = True
        self._progress = Progress()
        # TensorFlow does not take integers of NumPy everywhere
        super().__init__(
            **{k: int(v) if isinstance(v, np.integer) else v for k, v in arguments.items()}
        )

    def _build_keras(self, progress: Any = None) -> None:
        self.data = LiveData(self, self._minibatched)
        for operator in self.model.operators:
            mark_inputs_built(getattr(operator, "func", None))
        replace_class(self.tensor_graph, LayerwiseGraph)
        settings = self.tensor_graph.settings
        settings.execution = self._execution
        settings.memory_limit = self._memory_limit
        settings.check_numerics = self._check_numerics
        settings.uses_series = starts_regularly(self.model.operators)
        settings.constructing = True
        try:
            super()._build_keras(progress)
        finally:
            settings.constructing = False
        self.tensor_graph.forget_plans()
        self._given = GivenData(self)
        self._array_calls = ArrayCalls(
            self.keras_model,
            {node: self.get_name(node) for node in self.node_inputs},
            settings,
            self._given,
            self.tensor_graph.dtype,
            cuts=self.tensor_graph.use_loop,
            defers_compilation=self.tensor_graph.defers_compilation,
            state=list(self.tensor_graph.saved_state.values()),
            numerics=self.tensor_graph.numerics,
        )
        use_array_model(self.keras_model, self._array_calls)

    @property
    def execution(self) -> Execution:
        """How the network is simulated, and why: `Execution`, which prints as a table."""
        return self._describe(training=False)

    @property
    def training_execution(self) -> Execution:
        """How the network is trained, and why: `Execution`, which prints as a table."""
        return self._describe(training=True)

    def _describe(self, training: bool) -> Execution:
        graph = self.tensor_graph
        with tf.device(graph.device), custom_gradients_kept(graph):
            return graph.describe(training)

    @nengo_dl.simulator.require_open  # type: ignore[untyped-decorator]
    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
        **kwargs: Any,
    ) -> None:
        """
        Configure the network for training and evaluation; see `nengo_dl.Simulator.compile`.

        Parameters
        ----------
        optimizer : str or tf.keras.optimizers.Optimizer
            The optimizer.
        loss, metrics, weighted_metrics : str, object or function of Keras, list or dict of these
            Those of Probes: one for all, a list in the order of the Probes, or a dict by Probes or
            their names. A Probe may have a list of metrics.
        loss_weights : list or dict of float, optional
            How much the losses of Probes count.
        **kwargs
            What else `tf.keras.Model.compile` takes.

        Raises
        ------
        nengo.exceptions.ValidationError
            If one of them is a class, or of Keras 3, which TensorFlow's Keras models can't use, if
            Keras does not know its name, or if it is for something that is no Probe of the network.
        """
        given = self._given.compile_arguments(
            optimizer=optimizer,
            loss=loss,
            metrics=metrics,
            loss_weights=loss_weights,
            weighted_metrics=weighted_metrics,
            **kwargs,
        )
        for name in ("metrics", "weighted_metrics"):
            given[name] = self._standardize_data(
                given[name], self.model.probes, broadcast_unary=True
            )
        super().compile(given.pop("optimizer"), **given)
        self._given.note_metrics(given["metrics"], given["weighted_metrics"])

    @nengo_dl.simulator.require_open  # type: ignore[untyped-decorator]
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        n_steps: int | None = None,
        stateful: bool = False,
        *,
        truncation: int | None = None,
        allow_stopped_gradients: bool = False,
        **kwargs: Any,
    ) -> Any:
        """
        Train the network; see `nengo_dl.Simulator.fit`.

        Parameters
        ----------
        x : array, list of arrays, dict of nengo.Node or str to array, or data of TensorFlow
            Values of input Nodes, ``(items, time, size)``; Nodes without any give their own. A list
            is in the order of the input Nodes, and an array is for the first. Items that fill no
            minibatch are left out, with a warning.
        y : array, list of arrays, or dict of nengo.Probe or str to array, optional
            The targets of Probes, ``(items, time, size)``: of all that have a loss or a metric, and
            in the shape of what they record. Sparse losses take numbers of classes.
        n_steps : int, optional
            The number of steps; by default that of the data.
        stateful : bool
            Whether each minibatch goes on from the state that the one before it ended with, and
            the next call from that of the last. Otherwise each begins from the state that the
            simulation has, which is the same afterwards.
        truncation : int, optional
            Train on chunks of this many steps, one after another, in the place of whole sequences:
            truncated back-propagation through time. The state is carried from chunk to chunk, and
            no gradient is. The optimiser takes a step for each chunk, the last of which may be
            shorter. A Probe that keeps no history has its target at the end of the sequence, so
            that only the last chunk has a loss for it; chunks without any loss are just run. All
            values that are kept for the gradient are those of a chunk, so that ``memory_limit``
            is for a chunk as well. By default sequences are trained on as a whole.
        allow_stopped_gradients : bool
            Whether to train though the type of some neurons stops gradients on their way to what
            is to be trained.
        **kwargs
            What `tf.keras.Model.fit` takes: ``epochs``, ``shuffle``, which shuffles sequences,
            ``validation_data``, which is run as a whole, ``sample_weight``, which may be a dict by
            Probes, ``class_weight``, ``callbacks``, for which a batch is a minibatch of whole
            sequences, ...

        Returns
        -------
        history : tf.keras.callbacks.History
            The loss and the metrics of each epoch; with `truncation` they are means over chunks,
            a shorter one of which counts as much as the others.

        Raises
        ------
        nengo.exceptions.ValidationError
            If data, targets or weights do not fit the network or the losses, if `truncation` is no
            positive number of steps, or if the data can't be cut into chunks.
        StoppedGradientError
            If neurons stop gradients on their way from the losses to what is to be trained. The
            error names them, and what could not learn.
        """
        check_arguments(self, allow_stopped_gradients=allow_stopped_gradients)
        if not allow_stopped_gradients:
            check_gradients(self)
        # all data is checked in one place
        validation = kwargs.pop("validation_data", None)
        return super().fit(
            x, y, n_steps, stateful, truncation=truncation, validation=validation, **kwargs
        )

    @nengo_dl.simulator.require_open  # type: ignore[untyped-decorator]
    def reset(
        self,
        seed: int | None = None,
        include_trainable: bool = True,
        include_probes: bool = True,
        include_processes: bool = True,
    ) -> None:
        """
        Go back to the initial state; see `nengo_dl.Simulator.reset`.

        Parameters
        ----------
        seed : int, optional
            The seed from now on.
        include_trainable, include_probes, include_processes : bool
            Whether parameters, what Probes have recorded, and processes begin anew as well.

        Raises
        ------
        nengo.exceptions.ValidationError
            If the seed is none, or another argument neither True nor False; nothing is reset then.
        """
        check_arguments(
            self,
            seed=seed,
            include_trainable=include_trainable,
            include_probes=include_probes,
            include_processes=include_processes,
        )
        super().reset(seed, include_trainable, include_probes, include_processes)

    @nengo_dl.simulator.require_open  # type: ignore[untyped-decorator]
    def run(self, time_in_seconds: float, **kwargs: Any) -> None:
        """
        Run the simulation for some time; see `nengo_dl.Simulator.run`.

        Parameters
        ----------
        time_in_seconds : float
            For how long, in seconds of the simulation.
        **kwargs
            See `run_steps`.
        """
        check_arguments(self, time_in_seconds=time_in_seconds)
        with self._calling(n_steps="time_in_seconds"):
            super().run(time_in_seconds, **kwargs)

    @nengo_dl.simulator.require_open  # type: ignore[untyped-decorator]
    def run_steps(
        self,
        n_steps: int,
        data: Any = None,
        progress_bar: bool | None = None,
        stateful: bool = True,
    ) -> None:
        """
        Run the simulation for some steps; see `nengo_dl.Simulator.run_steps`.

        Parameters
        ----------
        n_steps : int
            The number of steps.
        data : dict of nengo.Node to array, optional
            Values of input Nodes, ``(batch, time, size)``.
        progress_bar : bool, optional
            Whether to show how far the simulation is; by default what the Simulator was given.
        stateful : bool
            Whether the next run goes on from where this one ended.
        """
        shown = self.progress_bar if progress_bar is None else progress_bar
        check_arguments(self, n_steps=n_steps, progress_bar=shown)
        report = self._progress.in_graph if shown else None
        with (
            self._progress.shown(n_steps, shown),
            self.tensor_graph.settings.changed(report=report),
            self._calling(x="data"),
        ):
            super().run_steps(n_steps, data=data, progress_bar=False, stateful=stateful)

    @contextlib.contextmanager
    def _calling(self, **names: str) -> Iterator[None]:
        """Have errors name arguments as they are called where a user gave them."""
        try:
            yield
        except ValidationError as error:
            if error.obj is self:
                error.attr = names.get(error.attr, error.attr)
            raise

    @nengo_dl.simulator.require_open  # type: ignore[untyped-decorator]
    def predict_on_batch(
        self, x: Any = None, n_steps: int | None = None, stateful: bool = False, **kwargs: Any
    ) -> Any:
        """
        Run a minibatch; see `nengo_dl.Simulator.predict_on_batch`.

        Parameters
        ----------
        x : dict of nengo.Node to array, optional
            Values of input Nodes, ``(batch, time, size)``.
        n_steps : int, optional
            The number of steps; by default that of the data.
        stateful : bool
            Whether the next run goes on from where this one ended.
        **kwargs
            See `nengo_dl.Simulator.predict_on_batch`.

        Returns
        -------
        probe_values : dict of nengo.Probe to array
            What the probes record, ``(batch, time, size)``.
        """
        check_arguments(self, stateful=stateful)
        outer, self._writes_state = self._writes_state, stateful
        try:
            # asked to keep the state, it makes no copy of it to restore: nothing is written
            return super().predict_on_batch(x, n_steps=n_steps, stateful=True, **kwargs)
        finally:
            self._writes_state = outer

    @nengo_dl.simulator.with_self  # type: ignore[untyped-decorator]
    @keras_call
    def _call_keras(
        self,
        func_type: str,
        x: Any = None,
        y: Any = None,
        n_steps: int | None = None,
        stateful: bool = False,
        truncation: int | None = None,
        validation: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Check all data, and run a method of the Keras model with it."""
        if func_type == "fit" and self.tensor_graph.inference_only:
            raise SimulationError(
                "Simulator.fit: expected a network that may train, got one that is set to "
                "inference_only=True"
            )
        checked = {name: kwargs[name] for name in CHECKED_OF_KERAS.intersection(kwargs)}
        check_arguments(self, stateful=stateful, **checked)
        if stateful and not self.stateful:
            warnings.warn(
                "Ignoring stateful=True, as the network is set to stateful=False", stacklevel=2
            )
        cut = None
        if truncation is not None:
            cut = Truncation(self, truncation, self._given.names_without_history)
        keeps_state = stateful and self.stateful
        arguments = self._arguments_of(func_type, x, y, n_steps, keeps_state, validation, kwargs)
        if not stateful:
            self._warn_of_one_step(arguments["x"])
        settings = self.tensor_graph.settings
        keeps_state = keeps_state and self._writes_state
        # where a call of several minibatches fails, some may have written their state
        several = keeps_state and func_type != "predict_on_batch"
        puts_back = self._check_numerics or cut is not None or several
        try:
            # a callback may call the Simulator from within a call
            with (
                settings.changed(
                    shares_constant_inputs=True,
                    writes_state=keeps_state,
                    problem=None,
                    truncation=cut,
                    chunks=None,
                ),
                self._state_put_back(puts_back),
            ):
                results = getattr(self.keras_model, func_type)(**arguments)
                if func_type == "fit":
                    # the last step of the optimiser, after which nothing was run
                    self.tensor_graph.check_parameters()
        except BaseException as error:
            # Keras makes an error of its own of what is raised while it traces a function
            problem = settings.problem or self._given.problem_of(error)
            if problem is None:
                raise
            raise problem from None
        if func_type.startswith("predict"):
            return dict(zip(self.model.probes, results, strict=False))  # and not the steps
        return results

    def _arguments_of(
        self,
        func_type: str,
        x: Any,
        y: Any,
        n_steps: int | None,
        keeps_state: bool,
        validation: Any,
        kwargs: dict[str, Any],
    ) -> dict[str, Any]:
        """Return what a method of the Keras model is called with, all data of which is checked."""
        given, size = self._given, self.minibatch_size
        if func_type == "predict_on_batch":
            return {"x": given.inputs(x, n_steps, items=size), **kwargs}
        sizes = {"batch_size", "validation_batch_size"}
        for name in sizes.intersection(kwargs):
            warnings.warn(
                f"Batch size is determined statically via Simulator.minibatch_size={size}; the "
                f"{name} that Simulator.{func_type} was given is ignored",
                stacklevel=2,
            )
        rest = {name: value for name, value in kwargs.items() if name not in sizes}
        arguments = {**rest, "x": given.inputs(x, n_steps), "batch_size": size}
        if func_type == "predict":
            given.check_whole(arguments["x"], keeps_state)
            return arguments
        arguments["y"] = given.targets(y, arguments["x"])
        arguments["sample_weight"] = given.weights(
            kwargs.get("sample_weight"), arguments["y"], arguments.pop("class_weight", None)
        )
        if func_type == "fit":
            given.leave_out(arguments, kwargs.get("validation_split"))
            arguments["validation_data"] = given.validation(validation, n_steps, keeps_state)
        else:
            given.check_whole(arguments["x"], keeps_state)
            arguments["return_dict"] = True
        return arguments

    def _warn_of_one_step(self, x: Any) -> None:
        """Warn where synapses have what is run arrive after its end."""
        if not isinstance(x, Mapping) or x["n_steps"][0, 0] != 1 or self.model.toplevel is None:
            return
        losses = getattr(self.keras_model, "loss", None)
        probes = [
            probe
            for probe in self.model.probes
            if not losses or losses.get(self.get_name(probe)) is not None
        ]
        connections = self.model.toplevel.all_connections
        if any(obj.synapse is not None for obj in (*connections, *probes)):
            warnings.warn(
                "Running for one timestep, but the network contains synaptic filters, through "
                "which values come a step later. What to do: set synapse=None, or run more steps",
                stacklevel=2,
            )

    @contextlib.contextmanager
    def _state_put_back(self, written: bool) -> Iterator[None]:
        """Put back what layers have, and the state if it may be written, if something fails."""
        graph = self.tensor_graph
        state = [*graph.state_of_layers.values(), *(graph.saved_state.values() if written else ())]
        values = [tf.identity(variable) for variable in state]
        try:
            yield
        except BaseException:
            for variable, value in zip(state, values, strict=True):
                variable.assign(value)
            raise

    @nengo_dl.simulator.require_open  # type: ignore[untyped-decorator]
    def check_gradients(
        self, inputs: Any = None, outputs: Any = None, atol: float = 1e-5, rtol: float = 1e-3
    ) -> Any:
        """
        Compare gradients with differences; see `nengo_dl.Simulator.check_gradients`.

        Parameters
        ----------
        inputs : array, list of arrays, or dict of nengo.Node or str to array, optional
            Values of input Nodes, ``(batch, time, size)``; by default zeros.
        outputs : nengo.Probe or list of nengo.Probe, optional
            The Probes whose gradients are compared; by default all.
        atol, rtol : float
            How far they may differ.

        Returns
        -------
        gradients : dict of nengo.Probe to dict
            The gradients, ``"analytic"`` and ``"numeric"``.
        """
        check_arguments(self, atol=atol, rtol=rtol)
        if inputs is not None:
            values = self._given.inputs(inputs, items=self.minibatch_size, argument="inputs")
            steps = int(values.pop("n_steps")[0, 0])
            dtype = self.tensor_graph.dtype
            inputs = [
                np.broadcast_to(array, (len(array), steps, array.shape[2])).astype(dtype)
                for array in map(np.asarray, values.values())
            ]
        if outputs is not None:
            outputs = self._given.probes(outputs, "outputs")
        with self._state_put_back(written=False):
            return super().check_gradients(inputs, outputs, atol=atol, rtol=rtol)

    def _forget_functions(self) -> None:
        """Have all functions traced anew."""
        self.keras_model.forget_functions()
        self._array_calls.forget()

    @nengo_dl.simulator.require_open  # type: ignore[untyped-decorator]
    def load_params(
        self, path: Any, include_state: bool = False, include_non_trainable: bool | None = None
    ) -> None:
        """
        Load parameters from a file; see `nengo_dl.Simulator.load_params`.

        Parameters
        ----------
        path : str or os.PathLike
            The file, with or without ``.npz``.
        include_state : bool
            Whether it has the state of the simulation as well.
        include_non_trainable : bool, optional
            The same, as it was called before.

        Raises
        ------
        ParameterMismatchError
            If it was saved from a network with other shapes; nothing is changed then.
        nengo.exceptions.SimulationError
            If it has more arrays or fewer.
        ParameterFileError
            If there is no such file, or it is another one or damaged.
        """
        check_arguments(
            self, include_state=include_state, include_non_trainable=include_non_trainable
        )
        # as nengo_dl has it, which warns
        given = include_state if include_non_trainable is None else include_non_trainable
        path = checked_params_file(self, path, bool(given))
        super().load_params(path, include_state, include_non_trainable)
        settings = self.tensor_graph.settings
        if settings.uses_series and not starts_regularly(
            self.model.operators, self.tensor_graph.get_tensor
        ):
            settings.uses_series = False
            self._forget_functions()

    @nengo_dl.simulator.require_open  # type: ignore[untyped-decorator]
    def save_params(
        self, path: Any, include_state: bool = False, include_non_trainable: bool | None = None
    ) -> None:
        """
        Save parameters to a file, without names; see `nengo_dl.Simulator.save_params`.

        Parameters
        ----------
        path : str or os.PathLike
            The file, without ``.npz``.
        include_state : bool
            Whether the state of the simulation is saved as well.
        include_non_trainable : bool, optional
            The same, as it was called before.
        """
        check_arguments(
            self, include_state=include_state, include_non_trainable=include_non_trainable
        )
        check_path(path, "to save to")
        super().save_params(path, include_state, include_non_trainable)

    @nengo_dl.simulator.require_open  # type: ignore[untyped-decorator]
    def get_nengo_params(self, nengo_objs: Any, as_dict: bool = False) -> Any:
        """
        Return what objects are to be made anew with; see `nengo_dl.Simulator.get_nengo_params`.

        Types of neurons and synapses that have parameters come with their values of now.

        Parameters
        ----------
        nengo_objs : NengoObject or list of NengoObject
            Ensembles, Neurons and Connections.
        as_dict : bool
            Whether to return them by the labels of the objects.

        Returns
        -------
        params : dict, or list or dict of dicts
            The arguments.
        """
        check_arguments(self, as_dict=as_dict)
        check_members(self, nengo_objs, "nengo_objs", nengo.Ensemble, Neurons, nengo.Connection)
        params = super().get_nengo_params(nengo_objs, as_dict=as_dict)
        if not isinstance(nengo_objs, list | tuple):
            return with_learned_parameters(self, nengo_objs, params)
        each_params = params.values() if as_dict else params
        for obj, arguments in zip(nengo_objs, each_params, strict=True):
            with_learned_parameters(self, obj, arguments)
        return params

    @nengo_dl.simulator.require_open  # type: ignore[untyped-decorator]
    def freeze_params(self, objs: Any) -> None:
        """
        Store what was learned in the network; see `nengo_dl.Simulator.freeze_params`.

        Besides weights and biases these are the parameters of types of neurons and of synapses.

        Parameters
        ----------
        objs : nengo.Network, NengoObject, or list of these
            A Network stands for all that is in it.

        Raises
        ------
        ValidationError
            If an object is not of the network of this Simulator.
        TypeError
            If it is a Node or a Probe of the network.
        """
        for obj in objs if isinstance(objs, list | tuple) else [objs]:
            if isinstance(obj, nengo.Probe | nengo.Node) and obj in self.model.params:
                raise TypeError(  # as in nengo_dl
                    f"Simulator.objs: expected Network or Ensemble or Connection, got {obj!r}, "
                    "which has no parameters to freeze"
                )
        check_members(self, objs, "objs", nengo.Network, nengo.Ensemble, nengo.Connection)
        for obj in objs if isinstance(objs, list | tuple) else [objs]:
            if not isinstance(obj, nengo.Network):
                super().freeze_params(obj)
                continue
            # nengo_dl takes no Network within another
            inner = [*obj.all_ensembles, *obj.all_connections]
            super().freeze_params(obj if obj is self.model.toplevel else inner)
            for holder in (*obj.all_probes, *obj.all_nodes):
                freeze_synapse(self, holder)

    def trange(self, sample_every: float | None = None, dt: float | None = None) -> Any:
        """
        Return the times of what Probes record; see `nengo_dl.Simulator.trange`.

        Parameters
        ----------
        sample_every : float, optional
            The sampling period of a Probe (s); by default that of the simulation.
        dt : float, optional
            The same, as it was called before.

        Returns
        -------
        times : array
            Shape ``(time,)``, in seconds.
        """
        check_arguments(self, sample_every=sample_every, **({} if dt is None else {"dt": dt}))
        return super().trange(sample_every, dt)

    def save_parameters(self, path: str | os.PathLike[str]) -> None:
        """
        Save all that is drawn or learned to a file, by name; see `.save_parameters`.

        Parameters
        ----------
        path : str or os.PathLike
            The file.
        """
        save_parameters(self, path)

    def load_parameters(
        self, path: str | os.PathLike[str] | Mapping[str, Any], strict: bool = True
    ) -> LoadedParameters:
        """
        Load parameters that were saved, by name; see `.load_parameters`.

        Parameters
        ----------
        path : str, os.PathLike or Mapping
            A file that `.save_parameters` wrote, or arrays by name.
        strict : bool
            Whether all names and shapes must be those of the network.

        Returns
        -------
        report : LoadedParameters
        """
        return load_parameters(self, path, strict=strict)

    def what_trains(self) -> TrainingReport:
        """
        Say what an optimiser would move; see `.graph.what_trains`.

        Returns
        -------
        report : TrainingReport
        """
        return what_trains(self)


class Progress:
    """How far a simulation is, as a bar that is moved from within a TensorFlow graph."""

    def __init__(self) -> None:
        self._bar: Bar | None = None

    def in_graph(self, steps: Any) -> None:
        """Add an operation to a graph that says how many steps were run."""
        tf.numpy_function(self._move, [steps], [], name="progress")

    @contextlib.contextmanager
    def shown(self, total: int, visible: bool) -> Iterator[None]:
        """Show a bar while something runs.

        Parameters
        ----------
        total : int
            The number of steps.
        visible : bool
            Whether to show it.
        """
        if not visible:
            yield
            return
        columns = (
            TextColumn("Simulating"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps"),
            TimeRemainingColumn(elapsed_when_finished=True),
        )
        with Bar(*columns) as self._bar:
            self._bar.add_task("Simulating", total=total)
            try:
                yield
                self._move(total)
            finally:
                self._bar.refresh()
        self._bar = None

    def _move(self, steps: Any) -> None:
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=int(steps))
