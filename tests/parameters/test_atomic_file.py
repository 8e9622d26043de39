"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nengo_layers_plus.parameters import _atomic_file
from nengo_layers_plus.parameters._atomic_file import write_atomically

# the module alone, as the package would import TensorFlow
WRITE_FOREVER = """
import importlib.util, itertools, sys
spec = importlib.util.spec_from_file_location("atomic_file", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print("ready", flush=True)
for letter in itertools.cycle([b"a", b"b"]):
    module.write_atomically(sys.argv[2], letter * 5_000_000)
    print("written", flush=True)
"""


def test_a_killed_writer_leaves_the_old_file_or_the_new_one(tmp_path):
    path = tmp_path / "parameters"
    path.write_bytes(b"old")
    whole = {b"old", b"a" * 5_000_000, b"b" * 5_000_000}
    found = set()
    for kill in range(16):
        with subprocess.Popen(
            [sys.executable, "-I", "-c", WRITE_FOREVER, _atomic_file.__file__, str(path)],
            stdout=subprocess.PIPE,
        ) as writer:
            assert writer.stdout.readline() == b"ready\n"
            for _ in range(kill // 4):
                assert writer.stdout.readline() == b"written\n"
            time.sleep(0.003 * (kill % 4))
            writer.kill()
        content = path.read_bytes()
        assert content in whole
        found.add(content[:1])
    assert len(found) > 1, "no kill came after a writing"
    assert list(tmp_path.glob(".writing-*")), "no kill came in the middle of a writing"


def test_writes_what_is_given_under_the_name_that_is_given(tmp_path):
    for path in (tmp_path / "a.b", str(tmp_path / "no suffix"), tmp_path / ("long" * 60)):
        write_atomically(path, b"first")
        write_atomically(path, b"second")
        assert Path(path).read_bytes() == b"second"
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_permissions_are_those_that_open_would_give(tmp_path, umask):
    before = os.umask(umask)
    try:
        (tmp_path / "plain").write_bytes(b"")
        write_atomically(tmp_path / "ours", b"")
    finally:
        os.umask(before)
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "ours")}
    assert modes == {0o666 & ~umask}


@pytest.mark.skipif(os.name != "posix", reason="permissions and links of POSIX")
def test_what_is_there_keeps_its_permissions_and_links_are_followed(tmp_path):
    real = tmp_path / "real"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(real)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


@pytest.mark.parametrize("failing", ["open", "fsync", "replace"])
def test_nothing_is_left_of_a_writing_that_fails(tmp_path, monkeypatch, failing):
    def fail(*args):
        raise OSError("no space")

    path = tmp_path / "file"
    path.write_bytes(b"old")
    with monkeypatch.context() as patched:
        if failing == "fsync":
            patched.setattr(os, "fsync", fail)
        else:
            patched.setattr(Path, failing, fail)
        with pytest.raises(OSError, match="no space"):
            write_atomically(path, b"new")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"old"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk of Linux")
def test_a_full_disk_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    full = Path("/dev/full").open("wb")  # noqa: SIM115
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", lambda *_: full)
        patched.setattr(Path, "chmod", lambda *_: None)
        with pytest.raises(OSError, match="No space left"):
            write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_the_file_and_its_folder_are_on_the_disk(tmp_path, monkeypatch):
    synced = []
    fsync = os.fsync

    def note(descriptor):
        synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    write_atomically(tmp_path / "file", b"new")
    assert synced == ([False, True] if hasattr(os, "O_DIRECTORY") else [False])


def test_folders(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder; give the name of a file in it"):
        write_atomically(tmp_path, b"")
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "none" / "file", b"")


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("nowhere/file", FileNotFoundError, "can't write .*nowhere/file: there is no folder"),
        ("pipe", OSError, "pipe is a device or a pipe, and not a file"),
        (".", IsADirectoryError, "is a folder"),
    ],
)
def test_places_where_no_file_can_be(tmp_path, name, error, message):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(error, match=message):
        write_atomically(tmp_path / name, b"data")
    assert [each.name for each in tmp_path.iterdir()] == ["pipe"]
    assert (tmp_path / "pipe").is_fifo()


def test_no_name_at_all():
    with pytest.raises(IsADirectoryError, match="'' is a folder"):
        write_atomically("", b"data")
