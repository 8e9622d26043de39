"""The only room that knows versions and private names of nengo, nengo_dl, Keras and TensorFlow.

nengo_dl 3.6, its last release, is written for the Keras inside TensorFlow 2.12 and earlier: it
imports names of ``keras`` that Keras 3 does not have, and its networks are models of ``tf.keras``.
That Keras lives on as ``tf-keras``. `import_upstream` makes nengo_dl work on it:

1. the versions found are compared with those that are tested (`REQUIREMENTS`);
2. ``TF_USE_LEGACY_KERAS=1`` is set, and stays set, for this process and those it starts: it is
   TensorFlow's own switch that makes ``tf.keras`` tf-keras. TensorFlow reads it when ``tf.keras``
   is first used, so TensorFlow may have been imported before;
3. nengo_dl is imported while ``keras`` is, in ``sys.modules``, a stand-in with the four names that
   nengo_dl asks for. Afterwards ``sys.modules`` is as it was: ``import keras`` is Keras 3;
4. its faults that can't be mended elsewhere are repaired (`_repairs`), for its own Simulator too.

The package does so when it is imported. Whatever goes wrong is kept (`import_failure`), and raised
when `nengo_dl`, `tf` or `keras` is asked for, so that the ``doctor`` command can always run.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import importlib
import importlib.metadata
import logging
import os
import site
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nengo_layers_plus._upstream._keras import (
    LayerCall,
    adds_loss_to_model,
    carries_mask,
    copy_layer,
    dtype_errors_named,
    expects_training,
    input_problem,
    is_automatic_name,
    is_graph_of_layers,
    keras3_equivalent,
    keras3_remedy,
    layer_calls,
    made_like,
    operation_of,
    random_state_kept,
    snake_case_of,
    with_sublayers,
)
from nengo_layers_plus._upstream._libraries import (
    NENGO_DL,
    PYTHON_TESTED,
    REQUIREMENTS,
    Requirement,
    UpstreamError,
    UpstreamWarning,
    check_versions,
    find_version,
    find_versions,
    write_range,
)
from nengo_layers_plus._upstream._repairs import repair
from nengo_layers_plus._upstream._simulation import (
    build_again,
    default_simulation_settings,
    find_gain_scales,
    find_gain_signals,
    model_inputs,
    native_process_builder,
    set_initial_value,
)
from nengo_layers_plus._upstream._tensorflow import (
    ChangedVariable,
    Effects,
    called_graph,
    list_effects,
    xla_slice,
    xla_update_slice,
)

if TYPE_CHECKING:
    import nengo_dl as nengo_dl
    import tensorflow as tf
    import tf_keras as keras

__all__ = [
    "LEGACY_KERAS",
    "PYTHON_TESTED",
    "REQUIREMENTS",
    "ChangedVariable",
    "Effects",
    "LayerCall",
    "Requirement",
    "UpstreamError",
    "UpstreamWarning",
    "adds_loss_to_model",
    "build_again",
    "called_graph",
    "carries_mask",
    "check_versions",
    "copy_layer",
    "default_simulation_settings",
    "dtype_errors_named",
    "expects_training",
    "find_gain_scales",
    "find_gain_signals",
    "find_version",
    "find_versions",
    "import_failure",
    "input_problem",
    "is_automatic_name",
    "is_graph_of_layers",
    "keras",
    "keras3_equivalent",
    "keras3_remedy",
    "layer_calls",
    "list_effects",
    "made_like",
    "model_inputs",
    "native_process_builder",
    "nengo_dl",
    "operation_of",
    "random_state_kept",
    "require",
    "set_initial_value",
    "snake_case_of",
    "tf",
    "tf_keras_as_keras",
    "with_sublayers",
    "write_range",
    "xla_slice",
    "xla_update_slice",
]

# -----------------------------------------------------------------------------
# tf.keras

LEGACY_KERAS = "TF_USE_LEGACY_KERAS"

# Each of these attributes of TensorFlow chooses its Keras by itself, when it is first used. A
# class of each shows which one it chose.
_KERAS_PARTS = {
    "keras": "Model",
    "losses": "Loss",
    "metrics": "Metric",
    "optimizers": "Optimizer",
    "initializers": "Initializer",
}


def check_environment(environ: Mapping[str, str]) -> None:
    """Raise if the user asked TensorFlow for Keras 3."""
    value = environ.get(LEGACY_KERAS, "")
    # the values that TensorFlow takes for a yes
    if value not in ("", "1", "true", "True"):
        raise UpstreamError(
            LEGACY_KERAS,
            f"{LEGACY_KERAS}={value}, which makes tf.keras Keras 3",
            "the variable unset, or 1",
            f"unset {LEGACY_KERAS} (nengo_layers_plus sets it to 1 by itself)",
        )


def check_tf_keras(tensorflow: ModuleType, tf_keras: ModuleType) -> None:
    """Raise if ``tf.keras``, ``tf.losses``... are not those of tf-keras.

    Those that were not used before become those of tf-keras by this.

    Parameters
    ----------
    tensorflow, tf_keras : module
        TensorFlow and tf-keras.
    """
    for part, class_name in _KERAS_PARTS.items():
        home = tf_keras if part == "keras" else getattr(tf_keras, part)
        used = getattr(getattr(tensorflow, part), class_name)
        if used is not getattr(home, class_name):
            raise UpstreamError(
                f"tf.{part}",
                f"Keras 3 ({used.__module__}), used before nengo_layers_plus was imported",
                f"tf-keras {tf_keras.__version__}",
                f"import nengo_layers_plus before anything that uses tf.{part}, "
                f"or set {LEGACY_KERAS}=1 before Python starts",
            )


def _lead_to_tf_keras(tensorflow: ModuleType, tf_keras: ModuleType) -> None:
    """Make ``from tensorflow.keras import ...`` find tf-keras too.

    Such an import does not read ``tf.keras``: it searches the folders in ``tensorflow.__path__``,
    and TensorFlow wrote those of Keras 3 there if it was imported before us.
    """
    folder = str(Path(tf_keras.__path__[0], "api", "_v2"))
    if folder in tensorflow.__path__:
        tensorflow.__path__.remove(folder)
    tensorflow.__path__.insert(0, folder)


# -----------------------------------------------------------------------------
# nengo_dl

_lock = threading.RLock()


@contextlib.contextmanager
def _keras_replaced(modules: Mapping[str, ModuleType]) -> Iterator[None]:
    """Let the modules of ``keras`` be others, and afterwards those that they were."""
    with _lock:
        hidden = _take_modules("keras")
        sys.modules.update(modules)
        try:
            yield
        finally:
            _take_modules("keras")
            sys.modules.update(hidden)


@contextlib.contextmanager
def stand_in_keras(functional: ModuleType, layers: ModuleType) -> Iterator[None]:
    """Let ``keras`` be a module with the names that nengo_dl imports, and nothing else.

    Parameters
    ----------
    functional, layers : module
        Those of tf-keras, to take the names from.
    """
    stand_ins = {
        name: ModuleType(name)
        for name in ("keras", "keras.engine", "keras.engine.functional", "keras.layers")
    }
    for name in ("Functional", "_build_map"):
        setattr(stand_ins["keras.engine.functional"], name, getattr(functional, name))
    for name in ("BatchNormalizationV1", "BatchNormalizationV2"):
        setattr(stand_ins["keras.layers"], name, getattr(layers, name))
    with _keras_replaced(stand_ins):
        yield


@contextlib.contextmanager
def tf_keras_as_keras() -> Iterator[None]:
    """Let ``import keras`` find tf-keras, for a library that is written for Keras 2.

    TensorFlow brings Keras 3 as ``keras`` since version 2.16, and nengo_dl can't use its layers.
    What is imported inside takes tf-keras, and works in a `.CustomLayer`. Afterwards ``keras`` is
    what it was.

    Raises
    ------
    UpstreamError
        If nengo_dl can't work here.

    Examples
    --------
    >>> from nengo_layers_plus import nengo_dl, tf_keras_as_keras
    >>> with tf_keras_as_keras():
    ...     from keras.layers import Layer
    >>> import tensorflow as tf
    >>> Layer is tf.keras.layers.Layer
    True
    """
    require()
    modules = {
        "keras" + name.removeprefix("tf_keras"): module
        for name, module in sys.modules.items()
        if name.partition(".")[0] == "tf_keras"
    }
    with _keras_replaced(modules):
        yield


def _take_modules(package: str) -> dict[str, ModuleType]:
    """Take a package and its submodules out of ``sys.modules``."""
    names = [name for name in sys.modules if name.split(".", 1)[0] == package]
    return {name: sys.modules.pop(name) for name in names}


def _may_have_gpu(tensorflow: ModuleType) -> bool:
    """Say whether TensorFlow may have a GPU here; False only if that is certain."""
    folders = (*sys.path, site.getusersitepackages())
    if (
        sys.platform != "linux"
        or tensorflow.test.is_built_with_rocm()
        or any(Path(folder, "tensorflow-plugins").exists() for folder in folders)
    ):
        return True
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:  # there is no driver
        return False
    return True


@contextlib.contextmanager
def _gpu_question_answered(tensorflow: ModuleType) -> Iterator[None]:
    """Answer nengo_dl's question for a GPU where there can be none.

    It would start another Python with another TensorFlow, which takes seconds of each import.
    """
    if _may_have_gpu(tensorflow):
        yield
        return
    module: Any = subprocess
    original = module.call

    def call(command: Any, *args: Any, **kwargs: Any) -> int:
        is_question = isinstance(command, list) and "list_physical_devices" in str(command)
        return 1 if is_question else int(original(command, *args, **kwargs))

    module.call = call
    try:
        yield
    finally:
        module.call = original


@contextlib.contextmanager
def _environment_kept(name: str) -> Iterator[None]:
    """Put an environment variable back as it was."""
    before = os.environ.get(name)
    try:
        yield
    finally:
        _put_back(name, before)


def _put_back(name: str, value: str | None) -> None:
    os.environ.pop(name, None)
    if value is not None:
        os.environ[name] = value


def import_nengo_dl() -> ModuleType:
    """Import nengo_dl on tf-keras, or return it if it was imported before, and works."""
    module = sys.modules.get("nengo_dl")
    if module is not None:
        if hasattr(module, "Layer") and hasattr(module, "Simulator"):
            return module
        raise UpstreamError(
            "nengo-dl",
            "a module that is half imported (no Layer, no Simulator)",
            "a complete module, or none",
            "import nengo_layers_plus before nengo_dl, and not from within its import",
        )
    # An import that failed leaves the submodules that came before the error; a new nengo_dl must
    # not mix with them.
    _take_modules("nengo_dl")
    functional = importlib.import_module("tf_keras.src.engine.functional")
    layers = importlib.import_module("tf_keras.src.layers")
    with (
        _gpu_question_answered(importlib.import_module("tensorflow")),
        stand_in_keras(functional, layers),
        # nengo_dl overwrites TensorFlow's log level. That is for the user to choose.
        _environment_kept("TF_CPP_MIN_LOG_LEVEL"),
        warnings.catch_warnings(),
    ):
        # It knows nengo up to 3.2; we test it with those of `REQUIREMENTS`.
        warnings.filterwarnings("ignore", "This version of NengoDL has not been tested")
        try:
            return importlib.import_module("nengo_dl")
        except BaseException:
            _take_modules("nengo_dl")
            raise


# -----------------------------------------------------------------------------
# The log of our commands

_COMMAND = "-m nengo_layers_plus"


def is_command() -> bool:
    """Tell whether this package is being imported for ``python -m nengo_layers_plus``."""
    # While Python looks for the module to run, argv[0] is "-m".
    return sys.argv[:1] == ["-m"] and _COMMAND in " ".join(sys.orig_argv)


def silence_tensorflow() -> None:
    """Keep TensorFlow's log out of a command's output, unless the user chose a log level.

    Parts of TensorFlow write to file descriptor 2 whatever the level is. Python's ``sys.stderr`` is
    given a descriptor of its own, so that warnings, errors and progress bars are still seen.
    """
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ or sys.stderr is None:
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    sys.stderr.flush()
    sys.stderr = os.fdopen(
        os.dup(2), "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace"
    )
    faulthandler.enable(sys.stderr)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


# -----------------------------------------------------------------------------
# Import


@contextlib.contextmanager
def _errors_about(requirement: Requirement) -> Iterator[None]:
    """Turn any error into an `UpstreamError` about one requirement."""
    try:
        yield
    except UpstreamError:
        raise
    except Exception as error:
        raise UpstreamError(
            requirement.name,
            f"{type(error).__name__}: {error}",
            "an import without an error",
            f"install it anew: {requirement.remedy} --force-reinstall",
        ) from error


def import_upstream() -> dict[str, ModuleType]:
    """Check this environment and import nengo_dl.

    Returns
    -------
    dict of str to module
        ``nengo_dl``, ``tf`` and ``keras``.

    Raises
    ------
    UpstreamError
        If it can't be done; the environment is then as it was.
    """
    for problem in check_versions(find_versions()):
        raise problem
    check_environment(os.environ)
    before = os.environ.get(LEGACY_KERAS)
    os.environ[LEGACY_KERAS] = "1"
    try:
        return _import_libraries()
    except BaseException:
        _put_back(LEGACY_KERAS, before)
        raise


def _import_libraries() -> dict[str, ModuleType]:
    # All but nengo_dl see the real keras, whatever they make of it.
    for requirement in REQUIREMENTS:
        if requirement is not NENGO_DL:
            with _errors_about(requirement):
                importlib.import_module(requirement.module)
    tensorflow, tf_keras = sys.modules["tensorflow"], sys.modules["tf_keras"]
    check_tf_keras(tensorflow, tf_keras)
    _lead_to_tf_keras(tensorflow, tf_keras)
    with _errors_about(NENGO_DL):
        nengo_dl = import_nengo_dl()
        repair(nengo_dl)
    return {"nengo_dl": nengo_dl, "tf": tensorflow, "keras": tensorflow.keras}


_modules: dict[str, ModuleType] = {}
_failure: UpstreamError | None = None


def import_failure() -> UpstreamError | None:
    """Import nengo_dl, if that was not tried before; return why it can't work here, or None."""
    global _failure
    with _lock:
        if _failure is None and not _modules:
            try:
                _modules.update(import_upstream())
            except UpstreamError as error:
                _failure = error
            except Exception as error:
                # Whatever it is, importing this package has to work, for the doctor's sake.
                found = f"{type(error).__name__}: {error}"
                remedy = "report it, with what the doctor says"
                _failure = UpstreamError("nengo_layers_plus", found, "no error", remedy)
                _failure.__cause__ = error
    return _failure


def require() -> None:
    """Raise `UpstreamError` if nengo_dl can't work here."""
    failure = import_failure()
    if failure is not None:
        raise failure.with_traceback(None)


def __getattr__(name: str) -> Any:
    if name in ("nengo_dl", "tf", "keras"):
        require()
        return _modules[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
