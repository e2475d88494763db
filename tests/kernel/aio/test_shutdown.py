"""Nothing is left when a process ends, however it does: each script is a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import ROOT, DatabaseUrl, Fetch
from tests.support.databases import POSTGRESQL

pytestmark = pytest.mark.django_db(transaction=True, databases=[POSTGRESQL])

NAME = "a script of test_shutdown"

PROLOGUE = """
import asyncio
import os
import sys
from functools import partial

import django

django.setup()

from allocation import bootstrap
from allocation.domain.model import Batch
from allocation.service_layer import services

entered = asyncio.Event()

def add(ref):
    return bootstrap.arun(partial(services.add_batch, ref, "LAMP", 10, None))


async def add_and_wait(ref):
    async with bootstrap.async_unit_of_work() as uow:
        await uow.batches.add(Batch(ref, "LAMP", 10, None))
        await uow.flush()
        entered.set()
        print("waits", flush=True)
        await asyncio.Event().wait()

"""

Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def alias() -> str:
    return POSTGRESQL


@pytest.fixture
def start(alias: str, database_url: DatabaseUrl) -> Iterator[Start]:
    """Start a script, in Python's development mode: what is not closed is told on stderr."""
    started: list[subprocess.Popen[str]] = []

    def start(script: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-X", "dev", "-c", PROLOGUE + script],
            cwd=ROOT,
            env=os.environ
            | {
                "DATABASE_URL": database_url(alias),
                "DJANGO_SETTINGS_MODULE": "uow_project.settings",
                "PGAPPNAME": NAME,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def batches(fetch: Fetch) -> list[str]:
    rows = fetch(POSTGRESQL, "SELECT reference FROM allocation_batch ORDER BY reference")
    return [reference for (reference,) in rows]


def require_no_connection(fetch: Fetch) -> None:
    """The server notices soon. Asking takes a while: no need to sleep."""
    connected = "SELECT state FROM pg_stat_activity WHERE application_name = %s"
    for _ in range(500):
        if not fetch(POSTGRESQL, connected, (NAME,)):
            return
    raise AssertionError("a connection is left")


def test_when_all_is_done(start: Start, fetch: Fetch) -> None:
    process = start("for ref in 'abc': asyncio.run(add(ref))")
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0
    require_no_connection(fetch)
    assert batches(fetch) == ["a", "b", "c"]


def test_in_the_middle_of_a_block(start: Start, fetch: Fetch) -> None:
    """The event loop is neither run to its end nor closed; nobody cancels the task."""
    process = start(
        "loop = asyncio.new_event_loop()\n"
        "task = loop.create_task(add_and_wait('a'))\n"
        "loop.run_until_complete(entered.wait())\n"
    )
    out, err = process.communicate(timeout=60)
    assert out == "waits\n"
    assert "psycopg" not in err
    assert process.returncode == 0
    require_no_connection(fetch)
    assert batches(fetch) == []


def test_by_an_interrupt(start: Start, fetch: Fetch) -> None:
    process = start("asyncio.run(add_and_wait('a'))")
    assert process.stdout is not None
    assert process.stdout.readline() == "waits\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert err.splitlines()[-1] == "KeyboardInterrupt"
    require_no_connection(fetch)
    assert batches(fetch) == []


def test_while_a_statement_runs(start: Start, fetch: Fetch) -> None:
    """The script ends by itself while a thread waits for a lock that is never released."""
    process = start(
        "from tests.support.databases import until_somebody_waits\n"
        "loop = asyncio.new_event_loop()\n"
        "holder = loop.create_task(add_and_wait('a'))\n"
        "loop.run_until_complete(entered.wait())\n"
        "waiting = loop.create_task(add('a'))\n"
        "look = asyncio.to_thread(until_somebody_waits, os.environ['DATABASE_URL'])\n"
        "loop.run_until_complete(look)\n"
        "loop.run_until_complete(loop.shutdown_default_executor())\n"
    )
    process.communicate(timeout=60)
    assert process.returncode == 0
    require_no_connection(fetch)
    assert batches(fetch) == []


def test_of_a_child_that_was_forked(start: Start, fetch: Fetch) -> None:
    process = start(
        "asyncio.run(add('parent'))\n"
        "child = os.fork()\n"
        "asyncio.run(add('after' if child else 'child'))\n"
        "if child:\n"
        "    _, status = os.waitpid(child, 0)\n"
        "    sys.exit(os.waitstatus_to_exitcode(status))\n"
    )
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    require_no_connection(fetch)
    assert batches(fetch) == ["after", "child", "parent"]
