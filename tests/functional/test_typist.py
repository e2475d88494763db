"""The history names who typed a command."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from tests.conftest import Fetch
from tests.functional.conftest import Command
from tests.support.people import make_groups

AUTHORS = "SELECT DISTINCT actor, service FROM allocation_historyentry"


@pytest.fixture(autouse=True)
def ann(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is at the terminal."""
    monkeypatch.setenv("LOGNAME", "ann")


@pytest.fixture
def empty(alias: str, command: Command, fetch: Fetch) -> None:
    """A late batch with a line, one that waits, and room for both; no history yet."""
    command("add_batch", "LATE", "LAMP", 10, "--eta=2030-01-31")
    command("allocate", "o1", "LAMP", 6)
    command("allocate", "o2", "LAMP", 4)
    command("deallocate", "o2", "LAMP")
    command("add_batch", "STOCK", "LAMP", 10)
    fetch(alias, "DELETE FROM allocation_historyentry")


@pytest.mark.parametrize(
    ("name", "arguments", "service"),
    [
        ("add_batch", ["NEW", "LAMP", 5], "add_batch"),
        ("allocate", ["o3", "LAMP", 1], "allocate"),
        ("deallocate", ["o1", "LAMP"], "deallocate"),
        ("reallocate", ["o1", "LAMP"], "reallocate"),
        ("reallocate", ["--batch=LATE"], "reallocate_batch"),
        ("reallocate", ["--backorders"], "reallocate_backorders"),
        ("change_batch_quantity", ["LATE", 20], "change_batch_quantity"),
        ("change_batch_eta", ["LATE", "--arrived"], "change_batch_eta"),
    ],
)
def test_of_a_command(
    empty: None,
    alias: str,
    command: Command,
    fetch: Fetch,
    name: str,
    arguments: list[object],
    service: str,
) -> None:
    command(name, *arguments)

    assert fetch(alias, AUTHORS) == [("ann (command line)", service)]


@pytest.mark.parametrize(
    ("name", "rows", "service"),
    [
        ("import_batches", "reference,sku,qty,eta\nb1,LAMP,5,\n", "add_batches"),
        ("allocate_orders", "orderid,sku,qty\no1,LAMP,5\n", "allocate_lines"),
    ],
)
class TestAFile:
    @pytest.fixture
    def file(self, tmp_path: Path, rows: str) -> Path:
        file = tmp_path / "rows.csv"
        file.write_text(rows)
        return file

    def test_is_told_as_what_its_reader_did(
        self, alias: str, command: Command, fetch: Fetch, file: Path, name: str, service: str
    ) -> None:
        command(name, file)

        assert fetch(alias, AUTHORS) == [("ann (command line)", service)]

    def test_is_not_told_when_it_was_only_tried(
        self, alias: str, command: Command, fetch: Fetch, file: Path, name: str, service: str
    ) -> None:
        command(name, file, "--dry-run")

        assert fetch(alias, AUTHORS) == []


def test_of_the_demo(alias: str, command: Command, fetch: Fetch) -> None:
    make_groups(alias)
    command("demo", "--no-serve")
    entries = fetch(alias, AUTHORS)

    assert {actor for actor, _ in entries} == {"ann (command line)"}
    assert {service for _, service in entries} >= {"add_batches", "change_batch_quantity"}


def test_without_a_name_is_told_as_well(
    alias: str, command: Command, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container that was given a bare user id."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 2)
    command("add_batch", "STOCK", "LAMP", 5)

    assert fetch(alias, AUTHORS) == [("command line", "add_batch")]


def test_with_a_name_that_cannot_be_stored_is_told_so(
    alias: str, command: Command, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "a" * 300)
    with pytest.raises(CommandError, match="The actor must have at most 255 characters"):
        command("add_batch", "STOCK", "LAMP", 5)

    assert fetch(alias, "SELECT * FROM allocation_batch") == []
