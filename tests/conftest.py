from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from _pytest.terminal import TerminalReporter
from hypothesis import HealthCheck, settings

from tests.support import databases
from uow_project.databases import from_url

if TYPE_CHECKING:  # tests/unit runs without Django being imported
    from django.db.utils import ConnectionHandler


# How long an example takes is a matter of the machine, and of what else that does.
settings.register_profile(
    "untimed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent


class DatabaseUrl(Protocol):
    def __call__(self, alias: str) -> str: ...


class Fetch(Protocol):
    def __call__(
        self, alias: str, sql: str, params: Sequence[object] = ()
    ) -> list[tuple[Any, ...]]: ...


class Manage(Protocol):
    def __call__(self, alias: str, *arguments: str) -> subprocess.Popen[str]: ...


@pytest.fixture(
    params=[
        pytest.param(databases.SQLITE, id="sqlite"),
        pytest.param(databases.POSTGRESQL, id="postgresql"),
    ]
)
def alias(request: pytest.FixtureRequest) -> str:
    """Run the test once on each database.

    Without a django_db mark of its own the test gets one for this database
    alone, with real transactions: touching the other one is an error.
    """
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def database_url(
    django_db_setup: None, connections: ConnectionHandler, postgresql_url: str
) -> DatabaseUrl:
    """The URL of a test database, as the DATABASE_URL of a child process."""

    def url(alias: str) -> str:
        name = connections[alias].settings_dict["NAME"]
        if alias == databases.SQLITE:
            return databases.sqlite_url(name)
        return databases.with_name(postgresql_url, name)

    return url


@pytest.fixture
def fetch(database_url: DatabaseUrl) -> Fetch:
    """Read rows as everybody else sees them: through another connection."""

    def rows(alias: str, sql: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return databases.fetch(database_url(alias), sql, params)

    return rows


@pytest.fixture
def manage(database_url: DatabaseUrl) -> Iterator[Manage]:
    """Start `manage.py` in a process of its own, with the project's own settings.

    Its three streams are pipes. What still runs when the test ends is killed,
    before the database is emptied: it may hold locks.
    """
    with ExitStack() as started:

        def start(alias: str, *arguments: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT,
                env=os.environ
                | {
                    "DATABASE_URL": database_url(alias),
                    "DJANGO_SETTINGS_MODULE": "uow_project.settings",
                },
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            started.enter_context(process)
            started.callback(process.kill)
            return process

        yield start


@pytest.fixture(scope="session")
def connections() -> ConnectionHandler:
    from django.db import connections  # noqa: PLC0415 - tests/unit runs without Django

    return connections


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The PostgreSQL of this session. Its URL names no test database."""
    with databases.postgresql_server() as url:
        yield url


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    tmp_path_factory: pytest.TempPathFactory,
    connections: ConnectionHandler,
    postgresql_url: str,
) -> None:
    """Tell Django where its test databases go, once a test asks for one.

    SQLite gets a file: a database in memory belongs to one connection, and what
    is tested here is what several see of each other.
    """
    sqlite = tmp_path_factory.mktemp("sqlite") / "test.sqlite3"
    connections[databases.SQLITE].settings_dict["TEST"]["NAME"] = str(sqlite)
    connections[databases.POSTGRESQL].settings_dict.update(from_url(postgresql_url))


@pytest.hookimpl(tryfirst=True)  # pytest-django sorts by the mark given here
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not isinstance(item, pytest.Function) or "alias" not in item.fixturenames:
            continue
        if item.get_closest_marker("django_db") is None:
            alias = item.callspec.params["alias"]
            item.add_marker(pytest.mark.django_db(transaction=True, databases=[alias]))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skips",
        action="store_true",
        default=bool(os.environ.get("CI")),
        help="Fail when a test was skipped. The default where CI is set.",
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skipped test is no passed test: nobody reads the log of a green run."""
    if not session.config.getoption("--no-skips"):
        return
    reporter: TerminalReporter | None = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and reporter.stats.get("skipped"):
        reporter.write_line("")
        reporter.write_line("Skipped tests, with --no-skips: failed.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
