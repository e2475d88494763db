"""A participant that puts a file in place together with what is committed."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from uuid import uuid4


class PutFile:
    """Puts `content` at `path`: whole, or not at all.

    What is there stays untouched until the database has committed, also when
    the machine stops in between; at worst a file `.<name>.….new` is left beside
    it. The folder must be there.

    Enlist it: `uow.enlist(PutFile(path, content))`. Several files are put in
    place one after the other: each is whole, whenever one looks.
    """

    def __init__(self, path: Path | str, content: bytes) -> None:
        self._path = Path(path).resolve()  # a link stays one, and what it leads to is replaced
        self._content = content
        self._new = self._path.with_name(f".{self._path.name}.{uuid4().hex}.new")

    def prepare(self) -> None:
        """Write the content beside its place, safely on the disk.

        Raises OSError, also where there is a folder or the like in its place.
        """
        if self._path.exists() and not self._path.is_file():
            raise OSError(errno.EEXIST, "There is something else than a file", str(self._path))
        with self._new.open("xb") as file:
            file.write(self._content)
            file.flush()
            os.fsync(file.fileno())
        if self._path.exists():
            self._new.chmod(stat.S_IMODE(self._path.stat().st_mode))

    def commit(self) -> None:
        """Move it to its place."""
        try:
            self._new.replace(self._path)
        except OSError:
            self.rollback()
            raise
        if os.name == "posix":  # pragma: no branch  # elsewhere a folder cannot be synced
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)  # the move is on the disk when its folder is
            finally:
                os.close(folder)

    def rollback(self) -> None:
        """Remove what was written."""
        self._new.unlink(missing_ok=True)
