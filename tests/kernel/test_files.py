"""The participant that puts a file in place: promise 17."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from allocation.uow import DiscardedChangesWarning, HooksFailed
from allocation.uow.files import PutFile
from allocation.uow.testing import InMemoryUnitOfWork


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "prices.csv"
    path.write_text("old")
    return path


class Once:
    """A participant that does something when it prepares."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action = action

    def prepare(self) -> None:
        self._action()

    def commit(self) -> None: ...

    def rollback(self) -> None: ...


def others(path: Path) -> list[Path]:
    return [other for other in path.parent.iterdir() if other != path]


def test_the_file_is_in_place_after_the_commit(path: Path) -> None:
    with InMemoryUnitOfWork() as uow:
        uow.enlist(PutFile(path, b"new"))
        assert path.read_text() == "old"
        uow.commit()
        assert path.read_text() == "new"
    assert others(path) == []


def test_the_old_one_stays_when_the_unit_of_work_is_discarded(path: Path) -> None:
    with pytest.warns(DiscardedChangesWarning), InMemoryUnitOfWork() as uow:
        uow.enlist(PutFile(path, b"new"))
    assert path.read_text() == "old"
    assert others(path) == []


def test_none_is_in_place_when_one_cannot_be_prepared(path: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), InMemoryUnitOfWork() as uow:
        uow.enlist(PutFile(path, b"new"))
        uow.enlist(PutFile(tmp_path / "no folder" / "x", b"new"))
        uow.commit()
    assert path.read_text() == "old"
    assert others(path) == []


def test_the_old_one_stays_when_the_machine_stops_between_prepare_and_commit(path: Path) -> None:
    PutFile(path, b"new").prepare()
    assert path.read_text() == "old"
    [left] = others(path)
    assert left.name.startswith(".prices.csv.")


def test_the_new_one_has_the_rights_of_the_old_one(path: Path) -> None:
    path.chmod(0o640)
    with InMemoryUnitOfWork() as uow:
        uow.enlist(PutFile(path, b"new"))
        uow.commit()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_new_file_has_the_rights_of_any_new_file(path: Path, tmp_path: Path) -> None:
    with InMemoryUnitOfWork() as uow:
        uow.enlist(PutFile(tmp_path / "fresh", b"new"))
        uow.commit()
    (tmp_path / "plain").write_text("")
    assert (tmp_path / "fresh").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_link_stays_one(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    with InMemoryUnitOfWork() as uow:
        uow.enlist(PutFile(link, b"new"))
        uow.commit()
    assert link.is_symlink()
    assert path.read_text() == "new"


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="something else than a file"), InMemoryUnitOfWork() as uow:
        uow.enlist(PutFile(tmp_path / "folder", b"new"))
        uow.commit()
    assert [other.name for other in tmp_path.iterdir()] == ["folder"]


def test_what_cannot_be_moved_leaves_nothing_behind(path: Path) -> None:
    def turn_into_a_folder() -> None:
        path.unlink()
        path.mkdir()

    with InMemoryUnitOfWork() as uow:
        uow.enlist(PutFile(path, b"new"))
        uow.enlist(Once(turn_into_a_folder))
        with pytest.raises(HooksFailed):
            uow.commit()
    assert others(path) == []
