"""What users hand over by mistake, and how the answers to it are judged."""

from __future__ import annotations

import contextlib
import dis
import math
import pathlib
import signal
import types
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import chain
from typing import Any

import keras as keras3
import nengo
import numpy as np
import tf_keras
from nengo.exceptions import NengoException

import nengo_layers_plus
from nengo_layers_plus import Simulator, nengo_dl
from nengo_layers_plus._upstream import UpstreamError, tf

SECONDS = 120  # of a machine that has other work to do
_PACKAGE = str(pathlib.Path(nengo_layers_plus.__file__).parent)
_KERAS = str(pathlib.Path(tf_keras.__file__).parent)


class OwnError(Exception):
    """What a hostile value raises by itself; its user sees it as it is."""


class Hostile:
    """An object that can't be compared, and is neither true nor false."""

    def __eq__(self, other: object) -> bool:
        raise OwnError("equal")

    def __bool__(self) -> bool:
        raise OwnError("true")

    __hash__ = None  # type: ignore[assignment]


class Loud:
    """An object whose text is long, and would move the cursor of a terminal."""

    def __repr__(self) -> str:
        return "\x1b[2J<b>{}%s\n" * 200


@cache
def closed_simulator(own: bool) -> nengo_dl.Simulator:
    with nengo.Network(seed=0) as network:
        nengo.Probe(nengo.Node([1.0]))
    with (Simulator if own else nengo_dl.Simulator)(network, progress_bar=False) as sim:
        pass
    return sim


def _nested() -> list[Any]:
    nested: list[Any] = []
    nested.append(nested)
    return nested


# name: what makes the value, which may ask for the objects of a network
WRONG: Mapping[str, Callable[[Any], Any]] = {
    "None": lambda _: None,
    "True": lambda _: True,
    "False": lambda _: False,
    "0": lambda _: 0,
    "-1": lambda _: -1,
    "1.5": lambda _: 1.5,
    "nan": lambda _: math.nan,
    "inf": lambda _: math.inf,
    "-inf": lambda _: -math.inf,
    "enormous int": lambda _: 10**30,
    "integer that no float can be": lambda _: 10**400,
    "enormous float": lambda _: 1e300,
    "complex": lambda _: 1j,
    "text": lambda _: "wrong",
    "empty text": lambda _: "",
    "text with NUL": lambda _: "a\0b",
    "bytes": lambda _: b"wrong",
    "empty list": lambda _: [],
    "empty tuple": lambda _: (),
    "empty dict": lambda _: {},
    "dict of text": lambda _: {"wrong": 1},
    "dict of numbers": lambda _: {1: 2},
    "dict of a Node": lambda scene: {scene.node: 1},
    "set": lambda _: {1, 2},
    "ragged list": lambda _: [[1.0], [2.0, 3.0]],
    "list of texts": lambda _: ["a", "b"],
    "list of None": lambda _: [None],
    "list that holds itself": lambda _: _nested(),
    "shape of 0": lambda _: (0,),
    "negative shape": lambda _: (-1, 4),
    "enormous shape": lambda _: (10**9, 10**9),
    "generator": lambda _: iter([1, 2]),
    "empty array": lambda _: np.zeros(0),
    "array of no axis": lambda _: np.array(np.nan),
    "array of a wrong shape": lambda _: np.ones((2, 3, 5)),
    "array of nan": lambda _: np.full(4, np.nan),
    "array of objects": lambda _: np.array([None, "a"], dtype=object),
    "array of texts": lambda _: np.array(["a", "b"]),
    "array of bool": lambda _: np.ones(4, dtype=bool),
    "NumPy's integer": lambda _: np.int64(-3),
    "tensor": lambda _: tf.ones((2, 2)),
    "variable": lambda _: tf.Variable([1.0, 2.0]),
    "object": lambda _: object(),
    "hostile object": lambda _: Hostile(),
    "loud object": lambda _: Loud(),
    "class": lambda _: int,
    "function": lambda _: lambda: 1,
    "function of anything": lambda _: lambda *args, **kwargs: None,
    "module": lambda _: math,
    "Path": lambda _: pathlib.Path("/nonexistent/wrong"),
    "Network": lambda scene: scene.network,
    "other Network": lambda _: nengo.Network(add_to_container=False),
    "Node": lambda scene: scene.node,
    "Ensemble": lambda scene: scene.ensemble,
    "Neurons": lambda scene: scene.neurons,
    "TensorNode": lambda scene: scene.tensor_node,
    "Connection": lambda scene: scene.connection,
    "Probe": lambda scene: scene.probe,
    "LayerParts": lambda scene: scene.layer.calls[0],
    "CustomLayer": lambda scene: scene.layer,
    "neuron type": lambda _: nengo.LIF(),
    "class of neuron types": lambda _: nengo.LIF,
    "synapse": lambda _: nengo.Alpha(0.01),
    "distribution": lambda _: nengo.dists.Uniform(-1, 1),
    "Default": lambda _: nengo.Default,
    "Keras layer": lambda _: tf.keras.layers.Dense(2),
    "class of Keras layers": lambda _: tf.keras.layers.Dense,
    "layer of Keras 3": lambda _: keras3.layers.Dense(2),
    "loss of Keras 3": lambda _: keras3.losses.MeanSquaredError(),
    "closed Simulator": lambda _: closed_simulator(True),
    "closed Simulator of nengo_dl": lambda _: closed_simulator(False),
}


class HangError(BaseException):
    """A call that did not come back; no `except Exception` keeps it."""


@contextlib.contextmanager
def bounded(seconds: int) -> Iterator[None]:
    """Raise a `HangError` in what takes longer."""

    def stop(signum: int, frame: types.FrameType | None) -> None:
        raise HangError(f"no answer after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    # pytest's own timeout uses the same clock
    remaining, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, remaining)


def answer(function: Callable[..., Any], arguments: Mapping[str, Any]) -> BaseException | None:
    """Call a function; return the error that it ends in."""
    try:
        with bounded(SECONDS), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            function(**arguments)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        return error
    return None


def inner_error(
    error: BaseException | None, wrong: Mapping[str, Any], arguments: Iterable[str]
) -> str | None:
    """
    Say why an error is no answer to wrong arguments, or None if it is one.

    An answer is an error that is raised on purpose, in words: one of nengo's classes, or a `raise`
    in the package, or in Keras for what is handed on to it; a file that the system can't open or
    memory that it has not got, as the system says it; or what a hostile value raises by itself.
    It names one of the arguments, or shows a wrong value or something in it. All other errors come
    from within: an attribute that is missing, an assertion, an error of NumPy or TensorFlow about
    arrays that no user has seen, a call that does not come back.
    """
    if error is None or (wrong and isinstance(error, OwnError | MemoryError)):
        return None
    if not wrong:
        return f"{type(error).__name__} without wrong arguments: {_short(error)}"
    if isinstance(error, OSError) and error.filename is not None:
        return None
    if not isinstance(error, NengoException | UpstreamError) and not _is_raised_on_purpose(error):
        return f"{type(error).__name__} from within: {_short(error)} [{_where(error)}]"
    message = str(error.args[0]) if isinstance(error, KeyError) else str(error)
    names = [name for each in arguments for name in (each, each.replace("_", " "))]
    if any(text in message for text in (*names, *chain(*map(_texts, wrong.values())))):
        return None
    return f"{type(error).__name__} that names neither {' nor '.join(wrong)}: {_short(error)}"


def _texts(value: Any) -> list[str]:
    """Return how a value may be shown in a message."""
    within = list(value) if isinstance(value, list | tuple | set | dict) else []
    if isinstance(value, np.ndarray) and value.ndim:
        within = [value.shape, *value.tolist()]
    shown = [text for each in (value, *within) for text in (str(each)[:20], repr(each)[:20])]
    # of classes, functions and layers the name, of other objects that of the class
    names = [getattr(each, "__name__", type(each).__name__) for each in (value, *within)]
    names += [each.name for each in (value, *within) if isinstance(getattr(each, "name", 0), str)]
    return [*filter(None, shown), *names]


def _is_raised_on_purpose(error: BaseException) -> bool:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return False
    code = trace.tb_frame.f_code
    is_raise = code.co_code[trace.tb_lasti] == dis.opmap["RAISE_VARARGS"]
    return is_raise and code.co_filename.startswith((_PACKAGE, _KERAS))


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:160]


def _where(error: BaseException) -> str:
    """Return the last place in the package on the way to an error, and the last of all."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        places.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    own = [place for place in places if place[0].startswith(_PACKAGE)][-1:]
    shown = [f"{'/'.join(file.split('/')[-2:])}:{line}" for file, line in own + places[-1:]]
    return " ... ".join(shown)
