"""Importing nengo_dl on tf-keras, and saying what is wrong where that can't work."""

import configparser
import contextlib
import importlib
import importlib.metadata
import os
import pickle
import platform
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from types import ModuleType, SimpleNamespace

import nengo
import nengo.utils.filter_design
import numpy as np
import pytest
import scipy.signal
from packaging.requirements import Requirement as Declared
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import nengo_layers_plus
from nengo_layers_plus import UpstreamError, _upstream

ROOT = Path(__file__).parent.parent
GOOD = {
    "numpy": Version("2.1.0"),
    "tensorflow": Version("2.18.1"),
    "tf-keras": Version("2.18.0"),
    "nengo": Version("4.1.0"),
    "nengo-dl": Version("3.6.0"),
}


def run_python(code, **environ):
    """Run code in a fresh Python, and return what it printed on stdout and stderr."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    clean["PYTHONPATH"] = os.pathsep.join([str(ROOT), environ.pop("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=clean | environ,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.fixture
def no_keras(monkeypatch):
    """Take Keras 3 and nengo_dl out of this process for the time of a test."""
    for name in list(sys.modules):
        if name.split(".")[0] in ("keras", "nengo_dl"):
            monkeypatch.delitem(sys.modules, name)
    yield
    for name in list(sys.modules):
        if name.split(".")[0] in ("keras", "nengo_dl"):
            del sys.modules[name]


# ---------------------------------------------------------------------------
# Versions


def test_the_versions_that_are_tested_are_good():
    assert _upstream.check_versions(GOOD) == []


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("numpy", "1.25.2"),
        ("numpy", "2.4.0"),
        ("tensorflow", "2.15.1"),
        ("tensorflow", "2.22.0"),
        ("nengo", "4.0.0"),
        ("nengo", "5.0.0"),
        ("nengo-dl", "3.5.0"),
        ("nengo-dl", "3.6.1"),
        ("tf-keras", "2.15.0"),
    ],
)
def test_a_version_out_of_range_is_named_with_the_range_and_the_remedy(name, version):
    problem = _upstream.check_versions(GOOD | {name: Version(version)})[0]

    assert problem.part == name
    assert problem.found == version
    assert problem.expected in str(problem)
    assert "pip install" in problem.remedy


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_missing_distribution_is_named(name):
    (problem,) = _upstream.check_versions(GOOD | {name: None})

    assert (problem.part, problem.found) == (name, "not installed")
    assert name in problem.remedy


def test_tf_keras_has_to_be_of_tensorflows_minor_version():
    (problem,) = _upstream.check_versions(GOOD | {"tf-keras": Version("2.17.0")})

    assert problem.found == "2.17.0"
    assert "TensorFlow 2.18.1" in problem.expected
    assert problem.remedy == 'pip install "tf-keras==2.18.*"'


@pytest.mark.parametrize("version", ["2.19.0rc1", "2.16.1+nv24.5"])
def test_prereleases_and_builds_of_a_tested_version_are_good(version):
    versions = GOOD | {"tensorflow": Version(version), "tf-keras": Version(version)}
    assert _upstream.check_versions(versions) == []


@pytest.mark.parametrize(
    ("python", "good"), [("3.9.18", False), ("3.10.0", True), ("3.14.0", False)]
)
def test_python_is_checked(monkeypatch, python, good):
    monkeypatch.setattr(platform, "python_version", lambda: python)
    assert [problem.part for problem in _upstream.check_versions(GOOD)] == (
        [] if good else ["Python"]
    )


@pytest.mark.parametrize(("python", "steps"), [((3, 11), 1), ((3, 12), 2)])
def test_nengo_dl_is_installed_in_two_steps_where_pip_cannot_build_it(monkeypatch, python, steps):
    monkeypatch.setattr(sys, "version_info", python)
    (problem,) = _upstream.check_versions(GOOD | {"nengo-dl": None})
    assert problem.remedy.count("pip install") == steps
    assert ("--no-build-isolation" in problem.remedy) == (steps == 2)


def test_setup_cfg_declares_the_ranges_that_are_checked():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = config["options"]["install_requires"].splitlines()
    declared = [Declared(line) for line in lines if line and not line.startswith("#")]
    ranges = {each.name: each.specifier for each in declared}

    assert SpecifierSet(config["options"]["python_requires"]) == _upstream.PYTHON_TESTED
    for requirement in _upstream.REQUIREMENTS:
        assert ranges[requirement.name] == requirement.tested


def test_every_dependency_is_bounded_above():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    texts = [config["options"]["install_requires"], *config["options.extras_require"].values()]
    lines = [line for text in texts for line in text.splitlines() if line]

    assert len(lines) > 20
    for declared in (Declared(line) for line in lines if not line.startswith("#")):
        assert any(each.operator in ("<", "==") for each in declared.specifier), declared


def test_the_loaded_version_counts_before_the_installed_one(monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", SimpleNamespace(__version__="1.2.3"))
    assert _upstream.find_version("numpy") == Version("1.2.3")


def test_another_distribution_of_the_same_module_is_found(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "packages_distributions", lambda: {"made_up": ["rich"]})
    assert _upstream.find_version("made_up") == Version(importlib.metadata.version("rich"))


def test_what_is_not_there_or_has_no_readable_version_is_not_found(monkeypatch):
    monkeypatch.setitem(sys.modules, "made_up", SimpleNamespace(__version__="tomorrow's"))
    assert _upstream.find_version("made_up") is None
    assert _upstream.find_version("nothing_of_this_name") is None


# ---------------------------------------------------------------------------
# tf.keras


def fake_keras(home, **other_homes):
    """Make something like ``tf`` and tf-keras, whose parts come from the modules named."""
    tf_keras = SimpleNamespace(__version__="2.18.0", Model=type("Model", (), {"__module__": home}))
    tensorflow = SimpleNamespace(keras=tf_keras)
    for part, name in _upstream._KERAS_PARTS.items():
        if part != "keras":
            setattr(tf_keras, part, SimpleNamespace(**{name: type(name, (), {"__module__": home})}))
            setattr(tensorflow, part, getattr(tf_keras, part))
    for part, other in other_homes.items():
        name = _upstream._KERAS_PARTS[part]
        wrong = SimpleNamespace(**{name: type(name, (), {"__module__": other})})
        setattr(tensorflow, part, wrong)
    return tensorflow, tf_keras


def test_tf_keras_in_use_is_good():
    _upstream.check_tf_keras(*fake_keras("tf_keras.src"))


@pytest.mark.parametrize("part", sorted(_upstream._KERAS_PARTS))
def test_keras_3_in_any_part_of_tensorflow_is_an_error(part):
    with pytest.raises(UpstreamError, match="import nengo_layers_plus before") as caught:
        _upstream.check_tf_keras(*fake_keras("tf_keras.src", **{part: "keras.src.somewhere"}))
    assert caught.value.part == f"tf.{part}"
    assert "keras.src.somewhere" in caught.value.found


@pytest.mark.parametrize("value", ["0", "false", "no", "yes"])
def test_asking_tensorflow_for_keras_3_is_an_error(value):
    # TensorFlow takes "yes" for a no
    with pytest.raises(UpstreamError, match="unset TF_USE_LEGACY_KERAS") as caught:
        _upstream.check_environment({"TF_USE_LEGACY_KERAS": value})
    assert f"TF_USE_LEGACY_KERAS={value}" in caught.value.found


@pytest.mark.parametrize("environ", [{}, *({"TF_USE_LEGACY_KERAS": v} for v in ("", "1", "True"))])
def test_an_environment_that_leaves_the_choice_or_asks_for_tf_keras_is_good(environ):
    _upstream.check_environment(environ)


# ---------------------------------------------------------------------------
# nengo_dl

FUNCTIONAL = SimpleNamespace(Functional="Functional", _build_map="_build_map")
LAYERS = SimpleNamespace(BatchNormalizationV1="V1", BatchNormalizationV2="V2")


def test_keras_is_a_stand_in_for_a_while_only(no_keras):
    keras3 = {name: ModuleType(name) for name in ("keras", "keras.src", "keras.layers")}
    sys.modules.update(keras3)

    with _upstream.stand_in_keras(FUNCTIONAL, LAYERS):
        engine = importlib.import_module("keras.engine.functional")
        assert (engine.Functional, engine._build_map) == ("Functional", "_build_map")
        layers = importlib.import_module("keras.layers")
        assert (layers.BatchNormalizationV1, layers.BatchNormalizationV2) == ("V1", "V2")
        assert "keras.src" not in sys.modules
        sys.modules["keras.new"] = ModuleType("keras.new")

    after = {name: each for name, each in sys.modules.items() if name.split(".")[0] == "keras"}
    assert after == keras3


def test_keras_comes_back_after_an_error(no_keras):
    keras3 = sys.modules["keras"] = ModuleType("keras")
    with pytest.raises(ZeroDivisionError), _upstream.stand_in_keras(FUNCTIONAL, LAYERS):
        raise ZeroDivisionError
    assert sys.modules["keras"] is keras3
    assert "keras.engine" not in sys.modules


def test_other_modules_that_begin_with_keras_stay(no_keras, monkeypatch):
    other = ModuleType("keras_spiking")
    monkeypatch.setitem(sys.modules, "keras_spiking", other)
    with _upstream.stand_in_keras(FUNCTIONAL, LAYERS):
        assert sys.modules["keras_spiking"] is other


def test_one_thread_at_a_time_stands_in(no_keras):
    inside, entered = threading.Event(), threading.Event()

    def enter():
        inside.wait(10)
        with _upstream.stand_in_keras(FUNCTIONAL, LAYERS):
            entered.set()

    thread = threading.Thread(target=enter)
    thread.start()
    with _upstream.stand_in_keras(FUNCTIONAL, LAYERS):
        inside.set()
        assert not entered.wait(0.2)
    thread.join(10)
    assert entered.is_set()
    assert "keras" not in sys.modules


@pytest.fixture
def fake_nengo_dl(no_keras, tmp_path, monkeypatch):
    """Let ``nengo_dl`` be a small package that asks for what nengo_dl asks for."""
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")  # put back after the test
    monkeypatch.setitem(sys.modules, "tf_keras.src.engine.functional", FUNCTIONAL)
    monkeypatch.setitem(sys.modules, "tf_keras.src.layers", LAYERS)
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "nengo_dl"
    package.mkdir()
    (package / "version.py").touch()
    main = package / "__init__.py"
    main.write_text(
        textwrap.dedent("""
            import os
            import warnings
            import nengo_dl.version
            os.environ["TF_CPP_MIN_LOG_LEVEL"] = "1"
            warnings.warn("This version of NengoDL has not been tested with your Nengo version")
            from keras.engine.functional import Functional, _build_map
            from keras.layers import BatchNormalizationV1, BatchNormalizationV2
            Layer = Simulator = object
            """)
    )
    return main


@pytest.mark.parametrize("level", [None, "0"])
def test_the_users_log_level_is_kept(fake_nengo_dl, monkeypatch, level):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    if level is not None:
        monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", level)

    assert _upstream.import_nengo_dl().Functional == "Functional"
    assert os.environ.get("TF_CPP_MIN_LOG_LEVEL") == level


def test_leftovers_of_a_failed_import_are_not_mixed_in(fake_nengo_dl):
    with pytest.warns(UserWarning, match="not been tested"), pytest.raises(ImportError):
        importlib.import_module("nengo_dl")
    leftover = sys.modules["nengo_dl.version"]

    module = _upstream.import_nengo_dl()

    assert sys.modules["nengo_dl.version"] is not leftover
    assert module.version is sys.modules["nengo_dl.version"]


def test_an_import_that_fails_leaves_nothing(fake_nengo_dl):
    fake_nengo_dl.write_text("import nengo_dl.version\n1 / 0")
    with pytest.raises(ZeroDivisionError):
        _upstream.import_nengo_dl()
    assert not [name for name in sys.modules if name.startswith("nengo_dl")]


def test_nengo_dl_that_works_already_is_used(no_keras):
    sys.modules["nengo_dl"] = SimpleNamespace(Layer=object, Simulator=object)
    assert _upstream.import_nengo_dl() is sys.modules["nengo_dl"]


def test_nengo_dl_that_is_being_imported_is_an_error(no_keras):
    sys.modules["nengo_dl"] = ModuleType("nengo_dl")
    with pytest.raises(UpstreamError, match="half imported"):
        _upstream.import_nengo_dl()


def test_with_sublayers_finds_those_at_any_depth():
    keras = _upstream.keras

    class Block(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.by_name = {"a": [keras.layers.Dense(2, name="deep")]}
            self.inner = keras.Sequential([keras.layers.Dense(3, name="inner")])

    block = Block()
    names = [each.name for each in _upstream.with_sublayers(block)]
    assert sorted(names) == sorted([block.name, "deep", block.inner.name, "inner"])
    dense = keras.layers.Dense(2)
    assert _upstream.with_sublayers(dense) == [dense]


@pytest.mark.parametrize(
    ("platform", "rocm", "plugins", "driver", "may_have_gpu"),
    [
        ("linux", False, False, False, False),
        ("linux", False, False, True, True),
        ("linux", True, False, False, True),
        ("linux", False, True, False, True),
        ("darwin", False, False, False, True),
    ],
)
def test_a_gpu_is_asked_for_unless_there_can_be_none(
    tmp_path, monkeypatch, platform, rocm, plugins, driver, may_have_gpu
):
    def load(name):
        assert name == "libcuda.so.1"
        if not driver:
            raise OSError

    if plugins:
        tmp_path.joinpath("tensorflow-plugins").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(_upstream.ctypes, "CDLL", load)
    asked = []
    monkeypatch.setattr(subprocess, "call", lambda command: asked.append(command) or 0)
    tensorflow = SimpleNamespace(test=SimpleNamespace(is_built_with_rocm=lambda: rocm))
    question = [sys.executable, "-c", "tf.config.list_physical_devices('GPU')"]
    with _upstream._gpu_question_answered(tensorflow):
        assert subprocess.call(question) == (0 if may_have_gpu else 1)
        assert subprocess.call(["ls"]) == 0
    assert subprocess.call(question) == 0
    assert asked == [question, ["ls"], question][not may_have_gpu :]


# ---------------------------------------------------------------------------
# Failures


@pytest.fixture
def not_imported(monkeypatch):
    """Let nothing be imported yet, and `import_upstream` fail with the error put in the list."""
    errors = []

    def import_upstream():
        raise errors.pop()

    monkeypatch.setattr(_upstream, "_modules", {})
    monkeypatch.setattr(_upstream, "_failure", None)
    monkeypatch.setattr(_upstream, "import_upstream", import_upstream)
    return errors


def test_the_error_says_what_was_found_what_is_needed_and_what_to_do():
    error = UpstreamError("nengo", "3.0.0", ">=4.1,<5", 'pip install "nengo>=4.1,<5"')
    assert str(error) == (
        "nengo: expected >=4.1,<5, found 3.0.0.\n"
        'What to do: pip install "nengo>=4.1,<5"\n'
        "The whole picture: python -m nengo_layers_plus doctor"
    )
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_any_error_is_kept_with_its_cause(not_imported):
    cause = OSError("libsomething.so: cannot open shared object file")
    not_imported.append(cause)

    failure = _upstream.import_failure()

    assert "libsomething.so" in failure.found
    assert failure.__cause__ is cause
    assert _upstream.import_failure() is failure  # import_upstream is not tried again


@pytest.mark.parametrize("name", ["nengo_dl", "tf", "keras"])
def test_what_was_not_imported_raises_when_it_is_asked_for(not_imported, name):
    not_imported.append(UpstreamError("nengo", "3.0.0", ">=4.1,<5", "pip install nengo"))
    for _ in range(2):
        with pytest.raises(UpstreamError, match=r"nengo: expected >=4.1,<5, found 3.0.0"):
            getattr(_upstream, name)


def test_a_part_that_does_not_import_is_named(monkeypatch):
    def import_module(name):
        raise OSError(f"{name} is broken")

    monkeypatch.setattr(_upstream, "find_versions", lambda: GOOD)
    monkeypatch.setattr(_upstream.importlib, "import_module", import_module)
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "")
    with pytest.raises(UpstreamError, match="OSError: numpy is broken") as caught:
        _upstream.import_upstream()
    assert caught.value.part == "numpy"
    assert os.environ["TF_USE_LEGACY_KERAS"] == ""


@pytest.mark.parametrize("name", sorted(nengo_layers_plus._HOMES))
def test_every_public_name_raises_what_is_wrong(not_imported, monkeypatch, name):
    not_imported.append(UpstreamError("nengo", "3.0.0", ">=4.1,<5", "pip install nengo"))
    monkeypatch.delitem(vars(nengo_layers_plus), name, raising=False)
    with pytest.raises(UpstreamError, match="pip install nengo"):
        exec(f"from nengo_layers_plus import {name}")


def test_the_public_names():
    assert set(nengo_layers_plus.__all__) <= set(dir(nengo_layers_plus))
    for name in nengo_layers_plus.__all__:
        assert getattr(nengo_layers_plus, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'Layerr'"):
        _ = nengo_layers_plus.Layerr


# ---------------------------------------------------------------------------
# Keras 3


def of_keras3(name, module, *bases):
    return type(name, bases, {"__module__": module})


LAYER3 = of_keras3("Layer", "keras.src.layers.layer")
DENSE3 = of_keras3("Dense", "keras.src.layers.core.dense", LAYER3)
MODEL3 = of_keras3("Model", "keras.src.models.model", LAYER3)


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (DENSE3, "tf.keras.layers.Dense"),
        (type("Mine", (DENSE3,), {}), "tf.keras.layers.Dense"),
        (of_keras3("RMSNormalization", "keras.src.layers.normal", LAYER3), "tf.keras.layers.Layer"),
        (of_keras3("Functional", "keras.src.models.functional", MODEL3), "tf.keras.Model"),
        (of_keras3("HeNormal", "keras.src.initializers.random"), "tf.keras.initializers.HeNormal"),
        (of_keras3("Nothing", "keras.src.backend"), "tf.keras"),
    ],
)
def test_the_equivalent_of_a_keras_3_object_and_class(cls, name):
    assert _upstream.keras3_equivalent(cls()) == name
    assert _upstream.keras3_equivalent(cls) == name


def test_what_to_do_about_a_layer_of_a_library():
    lmu = of_keras3("LMU", "keras_lmu.layers", LAYER3)
    installed = str(_upstream.find_version("keras_lmu"))
    assert _upstream.keras3_remedy(DENSE3()) == "use tf.keras.layers.Dense"
    assert _upstream.keras3_remedy(lmu()) == (
        f"keras_lmu {installed} is written for Keras 3: take a version that is for Keras 2, such "
        "as 0.7, imported within `with nengo_layers_plus.tf_keras_as_keras():`, or derive its "
        "class, LMU, from tf.keras.layers.Layer"
    )
    own = of_keras3("Own", "experiment", DENSE3)
    assert _upstream.keras3_remedy(own()) == "derive its class, Own, from tf.keras.layers.Dense"
    assert _upstream.keras3_remedy(3) is None


def test_keras_is_tf_keras_for_a_while():
    import tf_keras

    before = {name: each for name, each in sys.modules.items() if name.split(".")[0] == "keras"}
    with contextlib.suppress(KeyError), _upstream.tf_keras_as_keras():
        from keras.layers import Dense
        from keras.src.layers.rnn.dropout_rnn_cell_mixin import DropoutRNNCellMixin

        assert Dense is _upstream.tf.keras.layers.Dense
        assert issubclass(tf_keras.layers.LSTMCell, DropoutRNNCellMixin)
        raise KeyError
    after = {name: each for name, each in sys.modules.items() if name.split(".")[0] == "keras"}
    assert after == before


def test_the_equivalent_of_a_keras_3_function():
    def relu(x): ...

    relu.__module__ = "keras.src.activations.activations"
    assert _upstream.keras3_equivalent(relu) == "tf.keras.activations.relu"


@pytest.mark.parametrize(
    "obj", [3, "relu", None, len, abs, object, test_with_sublayers_finds_those_at_any_depth]
)
def test_other_objects_are_not_of_keras_3(obj):
    assert _upstream.keras3_equivalent(obj) is None


def test_tf_keras_is_not_keras_3():
    keras = _upstream.keras
    for obj in (
        keras.layers.Dense(2),
        keras.layers.Dense,
        keras.activations.relu,
        keras.Sequential(),
    ):
        assert _upstream.keras3_equivalent(obj) is None


# ---------------------------------------------------------------------------
# The real thing, in processes of their own


# Each imports TensorFlow. What rarely changes is left to .ci/run.
in_ci = pytest.mark.skipif("CI" not in os.environ, reason="run by .ci/run, which sets CI")


def test_imported_first():
    run_python("""
        import os
        from nengo_layers_plus import nengo_dl
        import nengo_dl as plain
        import sys
        assert plain is nengo_dl and nengo_dl.Layer and nengo_dl.Simulator
        assert "keras" not in sys.modules
        assert os.environ["TF_USE_LEGACY_KERAS"] == "1"
        assert "TF_CPP_MIN_LOG_LEVEL" not in os.environ

        import keras
        assert keras.__version__.startswith("3.") and keras.layers.Dense
        import tensorflow as tf
        assert tf.keras.layers.Dense is not keras.layers.Dense
        # nengo_dl was spared a process of its own that asks
        devices = tf.config.list_physical_devices("GPU")
        assert nengo_dl.utils.tf_gpu_installed == (len(devices) > 0)
        from nengo_layers_plus._upstream import keras3_equivalent
        assert keras3_equivalent(keras.layers.Dense(3)) == "tf.keras.layers.Dense"
        assert keras3_equivalent(keras.activations.relu) == "tf.keras.activations.relu"
        """)


@in_ci
def test_imported_after_tensorflow():
    run_python("""
        import tensorflow as tf
        from nengo_layers_plus import nengo_dl
        import tf_keras
        assert tf.keras.layers.Dense is tf_keras.layers.Dense
        assert tf.losses.MeanSquaredError is tf_keras.losses.MeanSquaredError
        assert tf.metrics.Accuracy is tf_keras.metrics.Accuracy
        assert tf.optimizers.Adam is tf_keras.optimizers.Adam
        assert tf.initializers.Zeros is tf_keras.initializers.Zeros
        from tensorflow.keras import layers
        assert layers.Dense is tf_keras.layers.Dense
        import tensorflow.keras
        assert tf.keras.layers.Dense is tf_keras.layers.Dense
        """)


@in_ci
def test_imported_after_keras_3_and_after_nengo_dl_failed():
    run_python("""
        import sys
        import keras
        try:
            import nengo_dl
        except ImportError as error:
            assert "keras.engine" in str(error)
        assert "nengo_dl.version" in sys.modules
        before = {n: m for n, m in sys.modules.items() if n.split(".")[0] == "keras"}
        from nengo_layers_plus import nengo_dl
        after = {n: m for n, m in sys.modules.items() if n.split(".")[0] == "keras"}
        assert all(after[name] is module for name, module in before.items())
        assert not any(name.startswith("keras.engine") for name in after)
        import keras as again
        assert again is keras and keras.layers.Dense(3)
        assert nengo_dl.Layer and nengo_dl.version is sys.modules["nengo_dl.version"]
        """)


def test_imported_too_late():
    out, err = run_python("""
        import os
        import tensorflow as tf
        tf.keras.layers.Dense
        import nengo_layers_plus
        from nengo_layers_plus.__main__ import main
        assert "TF_USE_LEGACY_KERAS" not in os.environ
        try:
            from nengo_layers_plus import CustomLayer
        except nengo_layers_plus.UpstreamError as error:
            assert error.part == "tf.keras"
        else:
            raise AssertionError("no error")
        print("doctor:", main(["doctor"]))
        """)
    assert err.count("UpstreamWarning: nengo_layers_plus can't work here") == 1
    assert "import nengo_layers_plus before anything that uses tf.keras" in err
    assert "doctor: 1" in out


def test_the_wish_for_keras_3_is_told_before_anything_is_imported():
    _, err = run_python(
        """
        import sys
        import nengo_layers_plus
        assert "tensorflow" not in sys.modules
        """,
        TF_USE_LEGACY_KERAS="0",
    )
    assert "unset TF_USE_LEGACY_KERAS" in err


def test_a_tensorflow_that_does_not_import(tmp_path):
    (tmp_path / "tensorflow.py").write_text("raise OSError('libcublas.so: cannot open')")
    run_python(
        """
        import warnings
        with warnings.catch_warnings(record=True) as caught:
            import nengo_layers_plus
        assert len(caught) == 1
        try:
            from nengo_layers_plus import nengo_dl
        except ImportError as error:
            assert "libcublas.so" in str(error) and isinstance(error.__cause__, OSError)
        else:
            raise AssertionError("no error")
        """,
        PYTHONPATH=str(tmp_path),
    )


# ---------------------------------------------------------------------------
# Repairs


@pytest.mark.parametrize("order", [199, 256])
def test_filters_of_any_order_can_be_discretised(order):
    degrees = np.arange(order)
    i, j = degrees[:, None], degrees
    scale = (2 * i + 1) / 784
    system = (
        np.where(i < j, -1, (-1.0) ** (i - j + 1)) * scale,
        (-1.0) ** i * scale,
        np.ones((1, order)),
        np.zeros((1, 1)),
    )
    for found, right in zip(
        nengo.utils.filter_design.cont2discrete(system, dt=1.0, method="zoh"),
        scipy.signal.cont2discrete(system, dt=1.0, method="zoh"),
        strict=True,
    ):
        np.testing.assert_allclose(found, right, atol=1e-12)


def test_the_benchmarks_of_nengo_dl_can_be_imported_and_built():
    benchmarks = importlib.import_module("nengo_dl.benchmarks")
    network = benchmarks.lmu(784, 1, native_nengo=True)
    assert max(each.size_out for each in network.all_nodes) == 256


@pytest.mark.parametrize("name", ["nengo_dl", "nengo_layers_plus"])
def test_a_simulator_may_be_closed_within_its_block(name):
    with nengo.Network() as network:
        nengo_dl = _upstream.nengo_dl
        nengo_dl.configure_settings(dtype="float64")
    simulator = (nengo_dl if name == "nengo_dl" else nengo_layers_plus).Simulator
    with simulator(network, device="/cpu:0", progress_bar=False) as sim:
        assert _upstream.keras.backend.floatx() == "float64"
        sim.close()
    assert _upstream.keras.backend.floatx() == "float32"
    assert _upstream.tf.zeros(()).device == "/job:localhost/replica:0/task:0/device:CPU:0"
    with pytest.raises(nengo.exceptions.SimulatorClosed), sim:
        pass


@pytest.mark.parametrize("name", ["nengo_dl", "nengo_layers_plus"])
def test_noise_is_there_beside_a_node_with_the_same_process(name):
    process = nengo.processes.WhiteNoise(seed=0, scale=False)
    with nengo.Network(seed=0) as network:
        _upstream.nengo_dl.configure_settings(dtype="float64")
        node = nengo.Node(process)
        ensemble = nengo.Ensemble(3, 1, noise=process, neuron_type=nengo.RectifiedLinear())
        probes = [nengo.Probe(node), nengo.Probe(ensemble.neurons)]
    results = []
    package = _upstream.nengo_dl if name == "nengo_dl" else nengo_layers_plus
    for simulator in (nengo.Simulator, package.Simulator):
        with simulator(network, progress_bar=False) as sim:
            sim.run_steps(5)
            results.append([sim.data[probe] for probe in probes])
    assert np.std(results[0][1], axis=0).max() > 0.1
    for right, found in zip(*results, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-12)


def test_a_forked_process_is_told_that_it_would_wait_for_ever():
    out, _ = run_python("""
        import os, sys, nengo
        from nengo_layers_plus import Simulator, nengo_dl

        def in_child(*calls):
            process = os.fork()
            if process == 0:
                for call in calls:
                    try:
                        call()
                        print("done", flush=True)
                    except nengo.exceptions.SimulationError as error:
                        print("spawn" in str(error), flush=True)
                os._exit(0)
            os.waitpid(process, 0)

        def predict():
            sim.predict(n_steps=2, verbose=0)

        with nengo.Network() as net:
            nengo.Probe(nengo.Ensemble(3, 1))
        with nengo_dl.Simulator(net, progress_bar=False), Simulator(net, progress_bar=False) as sim:
            in_child(
                lambda: Simulator(net),
                lambda: nengo_dl.Simulator(net),
                predict,
                lambda: sim.run_steps(3),
                lambda: sim.check_gradients(),
                lambda: sim.data[net.ensembles[0]].bias,
            )
            predict()
        """)
    assert out.split() == ["True"] * 5 + ["done"]


# ---------------------------------------------------------------------------
# The graph of a Keras model


def test_layer_calls_of_a_functional_model():
    keras = _upstream.keras
    dense = keras.layers.Dense(2, name="dense")
    inputs = keras.Input((2,))
    a = dense(inputs)
    b = dense(a)
    model = keras.Model(inputs, keras.layers.Subtract(name="last")([b, a]))
    calls = _upstream.layer_calls(model)
    assert [call.layer.name for call in calls] == ["dense", "dense", "last"]
    assert calls[0].inputs[0] is inputs
    assert calls[1].inputs[0] is a
    assert [each is tensor for each, tensor in zip(calls[2].inputs, (b, a), strict=True)]
    assert calls[2].arguments_with([3, 4]) == (([3, 4],), {})
    assert calls[2].outputs[0] is model.output


def test_arguments_of_an_operation_are_replaced_in_their_order():
    keras, tf = _upstream.keras, _upstream.tf
    inputs = keras.Input((2,))
    output = tf.where(condition=inputs > 0, y=inputs, x=2.0)
    call = _upstream.layer_calls(keras.Model(inputs, output))[-1]
    args, kwargs = call.arguments_with(["condition", "y"])
    assert {**kwargs, **dict(zip(["condition"], args, strict=False))} == {
        "condition": "condition",
        "y": "y",
        "x": 2.0,
    }
    assert _upstream.operation_of(call.layer)
    assert _upstream.operation_of(keras.layers.Dense(2)) is None


def test_graphs_of_layers_are_told_from_models_with_a_call_of_their_own():
    keras = _upstream.keras

    class Own(keras.Model):
        def call(self, inputs, training=None, mask=None):
            return 2 * super().call(inputs, training, mask)

    inputs = keras.Input((2,))
    output = keras.layers.Dense(2)(inputs)
    assert _upstream.is_graph_of_layers(keras.Model(inputs, output))
    assert _upstream.is_graph_of_layers(keras.Sequential([inputs, keras.layers.Dense(2)]))
    assert not _upstream.is_graph_of_layers(Own(inputs, output))
    assert not _upstream.is_graph_of_layers(keras.Sequential([keras.layers.Dense(2)]))
    assert not _upstream.carries_mask(output)
    masked = keras.layers.Masking()(keras.Input((3, 2)))
    assert _upstream.carries_mask(masked)
