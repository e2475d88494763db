"""A participant that puts a file in place together with what is committed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


class PutFile:
    """Puts `content` at `path`: whole, or not at all.

    What is there stays untouched until the database has committed, also when
    the machine stops in between; at worst a file `.<name>.….new` is left beside
    it. The folder must be there.

    Enlist it: `uow.enlist(PutFile(path, content))`. Several files are put in
    place one after the other: each is whole, whenever one looks.
    """

    def __init__(self, path: Path | str, content: bytes) -> None:
        self._path = Path(path)
        self._content = content
        self._new: Path | None = None

    def prepare(self) -> None:
        """Write the content beside its place, safely on the disk. Raises OSError."""
        handle, name = tempfile.mkstemp(
            prefix=f".{self._path.name}.", suffix=".new", dir=self._path.parent
        )
        self._new = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(self._content)
            file.flush()
            os.fsync(file.fileno())
        self._new.chmod(self._mode())

    def commit(self) -> None:
        """Move it to its place."""
        if self._new is not None:
            self._new.replace(self._path)
            self._new = None
            self._sync_folder()

    def rollback(self) -> None:
        """Remove what was written."""
        if self._new is not None:
            self._new.unlink(missing_ok=True)
            self._new = None

    def _mode(self) -> int:
        """That of the file it takes the place of, else what the process gives new files."""
        try:
            return self._path.stat().st_mode & 0o7777
        except FileNotFoundError:
            mask = os.umask(0)
            os.umask(mask)
            return 0o666 & ~mask

    def _sync_folder(self) -> None:
        # A rename is on the disk when its folder is. Windows knows no such thing.
        if os.name == "posix":
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
