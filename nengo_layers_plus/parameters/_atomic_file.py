"""Writes a file whole or not at all. Needs nothing but Python's own library."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """
    Write a file such that others see the old one or the new one, whole, whatever happens.

    Parameters
    ----------
    path : str or os.PathLike
        Where to write. A link is followed. A file that is there keeps its permissions; a new one
        gets those that ``open`` would give.
    data : bytes
        What to write.

    Raises
    ------
    OSError
        If it can't be written, or if what is there is no file; then nothing has changed.

    Notes
    -----
    The data goes into a file beside the other one, which then takes its place. Both the file and
    its folder are on the disk when this returns. A process that is killed in between may leave
    the file beside it, named ``.writing-<number>``.
    """
    # as `open` would: through links, and into what is there
    target = Path(os.path.realpath(path))
    if not os.fspath(path) or target.is_dir():
        raise IsADirectoryError(f"{os.fspath(path)!r} is a folder; give the name of a file in it")
    if target.exists() and not target.is_file():
        raise OSError(f"{path} is a device or a pipe, and not a file; give the name of a file")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"can't write {path}: there is no folder {target.parent}")
    with _file_beside(target) as beside:
        with beside.open("xb") as file:
            if target.exists():
                beside.chmod(stat.S_IMODE(target.stat().st_mode))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    _fsync_folder(target.parent)


@contextlib.contextmanager
def _file_beside(target: Path) -> Iterator[Path]:
    """Name a file in the same folder, and remove it if something goes wrong."""
    # a name of its own length: that of the target may be as long as names can be
    beside = target.with_name(f".writing-{secrets.token_hex(8)}")
    try:
        yield beside
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


def _fsync_folder(folder: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):  # Windows can't
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
