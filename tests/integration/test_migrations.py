"""The migrations on databases that others have: empty ones, and those with rows in them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support import databases

LINE = "INSERT INTO allocation_orderline (orderid, sku, qty, batch_id, position) VALUES"
ROWS = (
    "INSERT INTO allocation_batch VALUES ('b1', 'LAMP', 10, 7, 3, NULL)",
    "INSERT INTO allocation_batch VALUES ('b2', 'CHAIR', 5, 0, 0, '2026-06-01')",
    f"{LINE} ('o1', 'LAMP', 4, 'b1', 1)",
    f"{LINE} ('o2', 'LAMP', 3, 'b1', 3)",
    f"{LINE} ('o3', 'SOFA', 9, NULL, NULL)",
)
BATCHES = (
    "SELECT reference, sku, purchased_quantity, allocated_quantity, lines_taken, eta{} "
    "FROM allocation_batch ORDER BY reference"
)
LINES = "SELECT id, orderid, sku, qty, batch_id, position FROM allocation_orderline ORDER BY id"

GROUPS = (
    "SELECT auth_group.name, app_label, codename FROM auth_group "
    "JOIN auth_group_permissions ON group_id = auth_group.id "
    "JOIN auth_permission ON permission_id = auth_permission.id "
    "JOIN django_content_type ON content_type_id = django_content_type.id"
)
LOOK = {"view_batch", "view_orderline", "view_historyentry"}
CHANGE = {"add_batch", "change_batch", "add_orderline", "change_orderline"}

ROUTER = """
class NoUsersHere:
    def allow_migrate(self, db, app_label, **hints):
        return app_label not in ("auth", "contenttypes")
"""


@pytest.fixture
def url(alias: str, tmp_path: Path, postgresql_url: str) -> Iterator[str]:
    """An empty database of its own: the one of the tests is flushed after each, groups and all."""
    if alias == databases.SQLITE:
        yield databases.sqlite_url(f"{tmp_path}/empty.sqlite3")
        return
    databases.fetch(postgresql_url, "DROP DATABASE IF EXISTS test_migrations")
    databases.fetch(postgresql_url, "CREATE DATABASE test_migrations")
    yield databases.with_name(postgresql_url, "test_migrations")
    databases.fetch(postgresql_url, "DROP DATABASE test_migrations")


def manage(url: str, *arguments: str, **environment: str) -> str:
    process = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=os.environ
        | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "uow_project.settings"}
        | environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def groups(url: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, app, codename in databases.fetch(url, GROUPS):
        assert app == "allocation"
        found.setdefault(name, set()).add(codename)
    return found


class TestTheGroups:
    def test_are_there_with_exactly_their_permissions(self, url: str) -> None:
        manage(url, "migrate")
        assert databases.fetch(url, "SELECT count(*) FROM auth_group") == [(2,)]
        assert groups(url) == {"stock viewers": LOOK, "stock clerks": LOOK | CHANGE}

    @pytest.mark.parametrize("alias", [databases.SQLITE])
    def test_keep_their_people_when_they_are_made_again(self, url: str) -> None:
        manage(url, "migrate")
        before = databases.fetch(url, "SELECT id, name FROM auth_group ORDER BY id")
        manage(url, "migrate", "allocation", "0002")
        manage(url, "migrate")
        assert databases.fetch(url, "SELECT id, name FROM auth_group ORDER BY id") == before
        assert groups(url) == {"stock viewers": LOOK, "stock clerks": LOOK | CHANGE}

    def test_are_not_made_where_there_are_no_users(self, tmp_path: Path) -> None:
        """With the users in another database, and a router that says so."""
        (tmp_path / "without_users.py").write_text(
            f"from uow_project.settings import *\n{ROUTER}\nDATABASE_ROUTERS = [NoUsersHere()]\n"
        )
        url = databases.sqlite_url(f"{tmp_path}/stock.sqlite3")
        manage(
            url,
            "migrate",
            PYTHONPATH=str(tmp_path),
            DJANGO_SETTINGS_MODULE="without_users",
        )
        tables = databases.fetch(url, "SELECT name FROM sqlite_master WHERE name LIKE '%group%'")
        assert tables == []
        assert databases.fetch(url, "SELECT count(*) FROM allocation_batch") == [(0,)]


class TestRowsOfTheFirstVersion:
    @pytest.fixture
    def lines(self, url: str) -> list[tuple[object, ...]]:
        manage(url, "migrate", "allocation", "0001")
        for statement in ROWS:
            databases.fetch(url, statement)
        return databases.fetch(url, LINES)

    def test_are_kept_and_counted(self, url: str, lines: list[tuple[object, ...]]) -> None:
        manage(url, "migrate")
        batches = databases.fetch(url, BATCHES.format(", free_quantity"))
        assert [(*row[:5], str(row[5]), row[6]) for row in batches] == [
            ("b1", "LAMP", 10, 7, 3, "None", 3),
            ("b2", "CHAIR", 5, 0, 0, "2026-06-01", 5),
        ]
        assert databases.fetch(url, LINES) == lines
        assert databases.fetch(url, "SELECT * FROM allocation_historyentry") == []

    def test_can_be_worked_on(self, url: str, lines: list[tuple[object, ...]]) -> None:
        manage(url, "migrate")
        manage(url, "allocate", "o4", "LAMP", "3")
        manage(url, "deallocate", "o1", "LAMP")
        manage(url, "audit_stock")
        free = databases.fetch(url, "SELECT free_quantity FROM allocation_batch WHERE sku = 'LAMP'")
        assert free == [(4,)]
        events = databases.fetch(url, "SELECT event, orderid FROM allocation_historyentry")
        assert sorted(events) == [("allocated", "o4"), ("backordered", "o1")]

    def test_are_kept_on_the_way_back(self, url: str, lines: list[tuple[object, ...]]) -> None:
        before = databases.fetch(url, BATCHES.format(""))
        manage(url, "migrate")
        manage(url, "migrate", "allocation", "0001")
        assert databases.fetch(url, BATCHES.format("")) == before
        assert databases.fetch(url, LINES) == lines
