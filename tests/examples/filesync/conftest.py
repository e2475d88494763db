"""A share with two files in it, and what others see of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from tests.conftest import Fetch
from tests.examples.filesync.models import Share
from tests.examples.filesync.services import sync
from tests.examples.filesync.unit_of_work import SyncUnitOfWork

OLD = {"a.bin": b"old a " * 10_000, "b.bin": b"old b " * 10_000}
NEW = {"a.bin": b"new a " * 20_000, "b.bin": b"new b " * 5_000, "c.bin": b"new c " * 10_000}


@dataclass(frozen=True)
class Docs:
    """The share «docs», and the folders with what is to come into it."""

    alias: str
    folder: Path
    old: Path
    new: Path
    fetch: Fetch

    def sync(self, source: Path) -> list[str]:
        return sync(SyncUnitOfWork(self.alias), "docs", source)

    def files(self) -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in self.folder.iterdir() if p not in self.strays()}

    def strays(self) -> list[Path]:
        """What a killed process has left beside the files."""
        return list(self.folder.glob(".*.new"))

    def catalogue(self) -> dict[str, str]:
        return dict(self.fetch(self.alias, "SELECT name, sha256 FROM filesync_sharedfile"))


def digests(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: sha256(content).hexdigest() for name, content in files.items()}


@pytest.fixture
def docs(alias: str, tmp_path: Path, fetch: Fetch) -> Docs:
    docs = Docs(alias, tmp_path / "docs", tmp_path / "old", tmp_path / "new", fetch)
    docs.folder.mkdir()
    for folder, files in ((docs.old, OLD), (docs.new, NEW)):
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
    with SyncUnitOfWork(alias) as uow:
        uow.shares.add(Share(name="docs", path=str(docs.folder)))
        uow.commit()
    docs.sync(docs.old)
    return docs
