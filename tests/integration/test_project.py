"""The wiring of uow_project, as whoever deploys or develops meets it."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import Any

import pytest
from django.db import connection, transaction

from tests.conftest import ROOT, DatabaseUrl
from uow_project.databases import SQLITE_OPTIONS, from_url

SECRET_KEY = "long enough for a test, and more than five different letters"  # noqa: S105 - made up

# The second is how coverage finds the processes that tests start.
INHERITED = ("PATH", "COVERAGE_PROCESS_CONFIG")

on_sqlite = pytest.mark.django_db(databases=["default"], transaction=True)


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python on a machine where nothing but `environment` is set."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={name: os.environ[name] for name in INHERITED if name in os.environ} | environment,
        check=False,
        capture_output=True,
        text=True,
    )


def pragma(name: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {name}")
        return cursor.fetchone()[0]


@on_sqlite
class TestSQLite:
    @pytest.mark.parametrize(
        ("name", "value"),
        [("journal_mode", "wal"), ("foreign_keys", 1), ("busy_timeout", 30_000)],
    )
    def test_has_the_setting(self, name: str, value: object) -> None:
        assert pragma(name) == value

    def test_takes_the_write_lock_when_a_transaction_begins(
        self, database_url: DatabaseUrl
    ) -> None:
        path = from_url(database_url("default"))["NAME"]
        with (
            closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other,
            transaction.atomic(),
            pytest.raises(sqlite3.OperationalError, match="database is locked"),
        ):
            other.execute("BEGIN IMMEDIATE")


class TestDatabaseUrl:
    def test_gives_every_sqlite_file_the_same_options(self) -> None:
        assert from_url("sqlite:////srv/stock.sqlite3")["OPTIONS"] == SQLITE_OPTIONS

    def test_overrides_an_option_in_its_query(self) -> None:
        config = from_url("sqlite:////srv/stock.sqlite3?timeout=5")

        assert config["OPTIONS"] == SQLITE_OPTIONS | {"timeout": 5}

    def test_keeps_options_of_sqlite_away_from_postgresql(self) -> None:
        config = from_url("postgresql://ann@db.example.org/stock?sslmode=require")

        assert config["OPTIONS"] == {"sslmode": "require"}

    def test_keeps_a_connection_as_long_as_it_is_told(self) -> None:
        config = from_url("postgresql://ann@db.example.org/stock", conn_max_age=60)

        assert (config["CONN_MAX_AGE"], config["CONN_HEALTH_CHECKS"]) == (60, True)


class TestSecretKey:
    @pytest.mark.parametrize("interface", ["wsgi", "asgi"])
    def test_is_required_by_a_production_server(self, interface: str) -> None:
        server = python("-c", f"import uow_project.{interface}")

        assert server.returncode == 1
        assert "A production start needs a SECRET_KEY." in server.stderr

    @pytest.mark.parametrize("interface", ["wsgi", "asgi"])
    def test_lets_a_production_server_start(self, interface: str) -> None:
        server = python("-c", f"import uow_project.{interface}", SECRET_KEY=SECRET_KEY)

        assert server.returncode == 0, server.stderr

    def test_is_made_up_in_development(self) -> None:
        server = python("-c", "import uow_project.wsgi", DEBUG="true")

        assert server.returncode == 0, server.stderr

    def test_is_not_needed_by_a_management_command(self) -> None:
        command = python("manage.py", "migrate", DATABASE_URL="sqlite://")

        assert command.returncode == 0, command.stderr


class TestProxyHeader:
    HEADER = "from django.conf import settings; print(settings.SECURE_PROXY_SSL_HEADER)"

    @pytest.mark.parametrize(
        ("environment", "header"),
        [
            ({}, "None"),
            ({"TRUST_X_FORWARDED_PROTO": "true"}, "('HTTP_X_FORWARDED_PROTO', 'https')"),
        ],
    )
    def test_is_trusted_on_request_alone(self, environment: dict[str, str], header: str) -> None:
        process = python(
            "-c", self.HEADER, DJANGO_SETTINGS_MODULE="uow_project.settings", **environment
        )

        assert process.stdout.strip() == header, process.stderr


class TestCheckDeploy:
    CHECK = ("manage.py", "check", "--deploy", "--fail-level", "WARNING")

    def test_finds_nothing_in_production(self) -> None:
        check = python(*self.CHECK, SECRET_KEY=SECRET_KEY, ALLOWED_HOSTS="stock.example.org")

        assert check.returncode == 0, check.stderr

    def test_fails_without_a_secret_key(self) -> None:
        check = python(*self.CHECK, ALLOWED_HOSTS="stock.example.org")

        assert check.returncode == 1
        assert "SECRET_KEY" in check.stderr
