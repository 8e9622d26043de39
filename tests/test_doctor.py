"""The command that says whether an environment can work."""

import io
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.version import Version
from rich.console import Console

from nengo_layers_plus import UpstreamError, __main__, __version__, _upstream
from nengo_layers_plus.commands import _doctor

ROOT = Path(__file__).parent.parent
GOOD = {each.name: _upstream.find_version(each.module) for each in _upstream.REQUIREMENTS}


@pytest.fixture
def examine(monkeypatch):
    """Examine an environment with these versions and this failure, by the names of the rows."""

    def run(versions=None, failure=None):
        monkeypatch.setattr(_upstream, "find_versions", lambda: GOOD | (versions or {}))
        monkeypatch.setattr(_upstream, "import_failure", lambda: failure)
        return {row.name: row for row in _doctor.examine()}

    return run


def broken(rows):
    return [name for name, row in rows.items() if row.ok is False]


def shown(rows):
    console = Console(file=io.StringIO(), width=80)
    _doctor.show(list(rows.values()), console)
    return console.file.getvalue()


def test_every_part_has_a_row_and_works_here(examine):
    rows = examine()
    parts = "Python numpy tensorflow tf-keras nengo nengo-dl tf.keras Keras\u00a03 GPUs XLA"
    assert list(rows) == [part.replace("\u00a0", " ") for part in parts.split(" ")]
    assert broken(rows) == []
    assert "nengo_layers_plus works here." in shown(rows)


def test_several_problems_are_all_shown_with_their_remedies(examine):
    versions = {"nengo": None, "numpy": Version("2.9"), "tf-keras": Version("2.10")}
    failure = _upstream.check_versions(GOOD | versions)[0]

    rows = examine(versions, failure)

    assert broken(rows) == ["numpy", "tf-keras", "nengo"]
    assert rows["tf.keras"].ok is None
    text = shown(rows)
    assert "nengo: expected >=4.1,<5, found not installed" in text
    # commands are not broken over lines
    assert 'pip install "nengo>=4.1,<5"' in text
    assert "can't work here yet: numpy, tf-keras, nengo" in text


def test_without_tensorflow_what_depends_on_it_is_not_judged(examine):
    versions = {"tensorflow": None}
    rows = examine(versions, _upstream.check_versions(GOOD | versions)[0])
    assert broken(rows) == ["tensorflow"]
    assert (rows["GPUs"].ok, rows["XLA"].ok) == (None, None)


def test_a_tensorflow_that_does_not_import_is_shown_once(examine, monkeypatch):
    def import_module(name):
        raise OSError("libcublas.so")

    monkeypatch.setattr(_doctor.importlib, "import_module", import_module)
    failure = UpstreamError("tensorflow", "OSError: libcublas.so", "an import", "install it anew")
    rows = examine(failure=failure)
    assert broken(rows) == ["tensorflow"]
    assert shown(rows).count("libcublas.so") == 1


@pytest.mark.parametrize("part", ["tf.keras", "tf.losses", "TF_USE_LEGACY_KERAS"])
def test_keras_3_in_use(examine, part):
    rows = examine(failure=UpstreamError(part, "Keras 3", "tf-keras", "import us first"))
    assert broken(rows) == ["tf.keras"]
    assert rows["tf.keras"].found == "Keras 3"
    assert "import us first" in shown(rows)


def test_nengo_dl_half_imported(examine):
    failure = UpstreamError("nengo-dl", "half imported", "a complete module", "import us first")
    assert broken(examine(failure=failure)) == ["nengo-dl"]


def test_a_failure_of_no_part_has_a_row_of_its_own(examine):
    rows = examine(failure=UpstreamError("something", "odd", "even", "wait"))
    assert broken(rows) == ["something"]
    assert "something: expected even, found odd" in shown(rows)


def fake_tensorflow(*gpus, error=None):
    def function(_function, jit_compile):
        def compiled(_value):
            if error is not None:
                raise error

        return compiled

    config = SimpleNamespace(
        list_physical_devices=lambda _kind: gpus,
        experimental=SimpleNamespace(get_device_details=lambda gpu: {"device_name": gpu}),
    )
    return SimpleNamespace(config=config, function=function, ones=lambda _n: None)


def test_gpus_are_counted_by_name():
    row = _doctor._gpus(fake_tensorflow("NVIDIA H100", "NVIDIA H100", "NVIDIA L4"))
    assert row.found == "2 x NVIDIA H100, 1 x NVIDIA L4"


@pytest.mark.parametrize("driver", [None, "/usr/bin/nvidia-smi"])
def test_a_gpu_that_tensorflow_does_not_see_is_advice_and_no_problem(monkeypatch, driver):
    monkeypatch.setattr(_doctor.shutil, "which", lambda _name: driver)
    row = _doctor._gpus(fake_tensorflow())
    assert row.ok
    assert ("nengo-layers-plus[gpu]" in row.remedy) == (driver is not None)


def test_xla_that_fails_is_a_problem():
    row = _doctor._xla(fake_tensorflow(error=RuntimeError("no XLA in this build")))
    assert row.ok is False
    assert row.detail == "RuntimeError: no XLA in this build"


@pytest.mark.parametrize("ok", [True, None, False])
def test_the_exit_status(monkeypatch, capsys, ok):
    monkeypatch.setattr(_doctor, "examine", lambda: [_doctor.Row("nengo", "4.1.0", ">=4.1", ok)])
    assert __main__.main(["doctor"]) == (1 if ok is False else 0)
    assert "4.1.0" in capsys.readouterr().out


def test_a_command_that_needs_nengo_dl_says_why_it_cannot_run(monkeypatch, capsys):
    def run(_arguments):
        raise UpstreamError("nengo", "3.0.0", ">=4.1,<5", "pip install nengo")

    monkeypatch.setattr(_doctor, "run", run)
    assert __main__.main(["doctor"]) == 1
    assert "nengo: expected >=4.1,<5, found 3.0.0" in capsys.readouterr().err


def test_the_version(capsys):
    with pytest.raises(SystemExit):
        __main__.main(["--version"])
    assert capsys.readouterr().out.strip() == __version__


def run_command(*arguments, **environ):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    clean["PYTHONPATH"] = os.pathsep.join([str(ROOT), environ.pop("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "nengo_layers_plus", *arguments],
        env=clean | environ,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_it_runs_without_tensorflows_log():
    done = run_command("doctor")
    assert (done.returncode, done.stderr) == (0, "")
    assert "works here" in done.stdout


def test_it_runs_where_tensorflow_does_not_import(tmp_path):
    (tmp_path / "tensorflow.py").write_text("raise OSError('libcublas.so: cannot open')")
    done = run_command("doctor", PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (1, "")
    assert "libcublas.so: cannot open" in done.stdout


def test_help_does_not_wait_for_tensorflow(tmp_path):
    (tmp_path / "tensorflow.py").write_text("raise SystemExit('imported')")
    for arguments in ("--help", "doctor --help"):
        done = run_command(*arguments.split(), PYTHONPATH=str(tmp_path))
        assert (done.returncode, done.stderr) == (0, "")
        assert "doctor" in done.stdout
