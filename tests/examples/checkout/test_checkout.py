"""Under a real server, with clients that hang up whenever they like."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from random import Random
from urllib.parse import urlencode

import pytest

from tests.conftest import ROOT, DatabaseUrl, Fetch
from tests.integration.shop import DatabaseShop
from tests.support.databases import POSTGRESQL
from tests.support.loops import in_loop

CLIENTS = 200


@pytest.fixture
def shop(alias: str, fetch: Fetch) -> DatabaseShop:
    return DatabaseShop(alias, fetch)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0), backlog=CLIENTS)) as listening:
        yield listening


@pytest.fixture
def server(
    alias: str, database_url: DatabaseUrl, listening: socket.socket
) -> Iterator[subprocess.Popen[str]]:
    """It takes over a socket on which clients can already wait for it."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "uvicorn", "uow_project.asgi:application"),
            *("--fd", str(listening.fileno()), "--lifespan", "off", "--log-level", "warning"),
        ],
        cwd=ROOT,
        env=os.environ
        | {
            "ALLOWED_HOSTS": "127.0.0.1",
            "DATABASE_URL": database_url(alias),
            "DJANGO_SETTINGS_MODULE": "tests.examples.checkout.settings",
            "HTTPS": "false",
            "SECRET_KEY": "for the tests",
        },
        pass_fds=[listening.fileno()],
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


class Client:
    """Speaks HTTP, and hangs up in the middle of it."""

    def __init__(self, listening: socket.socket) -> None:
        self._address = listening.getsockname()

    async def post(self, path: str, hang_up_after: float | None = None, **form: object) -> bytes:
        """The answer; nothing where it has hung up, so many seconds after it has asked."""
        reader, writer = await asyncio.open_connection(*self._address)
        body = urlencode(form).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        try:
            async with asyncio.timeout(hang_up_after):
                return await reader.read()
        except TimeoutError:
            return b""
        finally:
            writer.transport.abort()


async def ask_all(client: Client, path: str) -> set[str]:
    """Half of them hang up, at some time or other; who was answered."""
    random = Random(7)  # noqa: S311 - nothing is to be kept secret

    async def ask(orderid: str, patience: float | None) -> str | None:
        answer = await client.post(path, patience, orderid=orderid, sku="LAMP", qty=1)
        assert not answer or b"201 Created" in answer, answer
        return orderid if answer else None

    await ask("first", None)  # the server has started when this is answered
    patience = [random.choice([None, random.uniform(0, 0.5)]) for _ in range(CLIENTS)]
    asked = [ask(f"o{number}", patience[number]) for number in range(CLIENTS)]
    answered = {orderid for orderid in await asyncio.gather(*asked) if orderid}
    # Those who hung up last are done with when as many as there are connections have been served.
    await asyncio.gather(*(ask(f"last{number}", None) for number in range(20)))
    return answered


@pytest.mark.parametrize("path", ["/allocate", "/check-out"])
def test_who_was_answered_has_its_line_and_nobody_has_half_of_one(
    path: str,
    shop: DatabaseShop,
    listening: socket.socket,
    server: subprocess.Popen[str],
    fetch: Fetch,
) -> None:
    shop.add("b1", "LAMP", 10_000)
    answered = asyncio.run(ask_all(Client(listening), path))
    if shop.alias == POSTGRESQL:
        states = "SELECT DISTINCT state FROM pg_stat_activity WHERE datname = current_database()"
        assert "idle in transaction" not in {state for (state,) in fetch(shop.alias, states)}
    server.send_signal(signal.SIGTERM)
    _, err = server.communicate(timeout=60)
    stored = {orderid for orderid, _ in shop.stored().lines}
    assert 0 < len(answered) < CLIENTS
    assert answered <= stored
    assert len(stored) < 21 + CLIENTS
    shop.stored().require_sound()
    assert "Traceback" not in err


@in_loop
async def test_what_cannot_be_is_told(
    shop: DatabaseShop, listening: socket.socket, server: subprocess.Popen[str]
) -> None:
    answer = await Client(listening).post("/allocate", orderid="o1", sku="SOFA", qty=1)
    assert b"409 Conflict" in answer
    assert b"there is no batch of it" in answer
