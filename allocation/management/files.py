"""Files that commands read and write. What goes wrong with them is an OSError."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO
from uuid import uuid4

STANDARD = "-"
"""Names stdin, or stdout."""


@contextmanager
def reading(path: str) -> Iterator[BinaryIO]:
    if path == STANDARD:
        yield sys.stdin.buffer
    else:
        with Path(path).open("rb") as stream:
            yield stream


@contextmanager
def replacing(path: str, *, keep: bool = True) -> Iterator[TextIO]:
    """Write a file under a temporary name, and put it in place when the block ends without error.

    Whether it can be written is found when the block begins. What was there
    before stays until then, and for good where not to `keep` is asked for.
    """
    target = Path(path).resolve()
    if target.exists() and not target.is_file():  # a device or a pipe is not to be replaced
        with target.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        return
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "Permission denied", path)
    temporary = target.with_name(f".{target.name}.{uuid4().hex}.tmp")
    try:
        opened = temporary.open("x", encoding="utf-8", newline="")
    except OSError as error:  # of the folder: the temporary name is nobody's business
        raise OSError(error.errno, error.strerror, path) from error
    try:
        with opened as stream:
            yield stream
        if keep:
            if target.exists():
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
