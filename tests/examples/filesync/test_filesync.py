"""Many files are put in place, or none."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError

from allocation.uow import EntityNotFound, HooksFailed
from allocation.uow.files import PutFile
from tests.examples.filesync.conftest import NEW, OLD, Docs, digests
from tests.examples.filesync.models import SharedFile
from tests.examples.filesync.services import sync
from tests.examples.filesync.unit_of_work import SyncUnitOfWork


class TestSync:
    def test_puts_every_file_in_place_and_into_the_catalogue(self, docs: Docs) -> None:
        assert docs.sync(docs.new) == ["a.bin", "b.bin", "c.bin"]
        assert docs.files() == NEW
        assert docs.catalogue() == digests(NEW)
        assert docs.strays() == []

    def test_leaves_alone_what_is_the_same(self, docs: Docs) -> None:
        (docs.new / "a.bin").write_bytes(OLD["a.bin"])
        before = (docs.folder / "a.bin").stat()
        assert docs.sync(docs.new) == ["b.bin", "c.bin"]
        assert (docs.folder / "a.bin").stat() == before

    def test_repairs_a_file_that_is_not_what_the_catalogue_says(self, docs: Docs) -> None:
        (docs.folder / "a.bin").write_bytes(b"damaged")
        assert docs.sync(docs.old) == ["a.bin"]
        assert docs.files() == OLD


class TestNoneIsInPlace:
    """Nor is anything in the catalogue, or left lying about."""

    @pytest.fixture(autouse=True)
    def nothing_changed(self, docs: Docs) -> Iterator[None]:
        yield
        assert docs.files() == OLD
        assert docs.catalogue() == digests(OLD)
        assert docs.strays() == []

    def test_when_a_file_cannot_be_read(self, docs: Docs) -> None:
        (docs.new / "d").mkdir()
        with pytest.raises(IsADirectoryError):
            docs.sync(docs.new)

    def test_when_the_share_is_unknown(self, docs: Docs, alias: str) -> None:
        with pytest.raises(EntityNotFound, match="'photos'"):
            sync(SyncUnitOfWork(alias), "photos", docs.new)

    def test_when_the_disk_is_full_half_way(self, docs: Docs) -> None:
        """The second file is partly written when there is no more space for it."""
        limit = 8 << 20
        (docs.new / "b.bin").write_bytes(b"x" * (limit + 1))
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
        try:
            with pytest.raises(OSError, match="File too large") as raised:
                docs.sync(docs.new)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert raised.value.errno == errno.EFBIG

    def test_when_the_database_refuses_a_row(self, docs: Docs, alias: str) -> None:
        with pytest.raises(IntegrityError), SyncUnitOfWork(alias) as uow:
            uow.enlist(PutFile(docs.folder / "a.bin", b"new"))
            uow.files.add(SharedFile(share_id="docs", name="a.bin"))
            uow.commit()

    def test_when_the_database_refuses_the_commit_itself(self, docs: Docs, alias: str) -> None:
        """Foreign keys are checked at the very end, when all files are written beside."""
        with pytest.raises(IntegrityError), SyncUnitOfWork(alias) as uow:
            uow.enlist(PutFile(docs.folder / "a.bin", b"new"))
            uow.files.add(SharedFile(share_id="photos", name="a.bin"))
            uow.commit()


class TestAfterTheCommit:
    def test_a_file_that_cannot_be_moved_is_told_and_the_others_are_in_place(
        self, docs: Docs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        replace = os.replace

        def replace_all_but_b(source: Any, target: Any) -> None:
            if Path(target).name == "b.bin":
                raise PermissionError(errno.EPERM, "not this one", str(target))
            replace(source, target)

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", replace_all_but_b)
            with pytest.raises(HooksFailed, match="is committed") as raised:
                docs.sync(docs.new)
        assert [type(error) for error in raised.value.exceptions] == [PermissionError]
        assert docs.files() == NEW | {"b.bin": OLD["b.bin"]}
        assert docs.catalogue() == digests(NEW)
        assert docs.sync(docs.new) == ["b.bin"]
        assert docs.files() == NEW
