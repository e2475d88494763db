"""«Put the site to work» of the guide, followed to the letter, as its proxy sees it."""

from __future__ import annotations

import http.client
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlencode

import pytest

from tests.conftest import ROOT, DatabaseUrl
from tests.support.pages import Page, commands

HOST = "stock.example.org"
PASSWORD = "correct horse battery staple"  # noqa: S105 - it protects nothing
INSTALL, *STEPS = Page(ROOT / "docs" / "deploy.md").blocks("console")
*PREPARE, START = [
    command for step in STEPS for command in commands(step) if "podman" not in command
]


class Server:
    """The site, run by the documented command on a port of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        listening = self.wait_for(r"Listening at: http://127\.0\.0\.1:(\d+)")
        self.port = int(listening[1])

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first line of its log that matches, from here on."""
        assert self.process.stdout
        read = []
        for line in self.process.stdout:
            if match := re.search(pattern, line):
                return match
            read.append(line)
        raise AssertionError(f"No {pattern!r} in\n{''.join(read)}")

    @contextmanager
    def request(
        self, method: str, path: str, **headers: str
    ) -> Iterator[http.client.HTTPConnection]:
        """Begin what the proxy asks for somebody who came by https."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.putrequest(method, path, skip_host=True)
            for name, value in {"Host": HOST, "X-Forwarded-Proto": "https", **headers}.items():
                connection.putheader(name, value)
            connection.endheaders()
            yield connection

    def get(self, path: str) -> tuple[http.client.HTTPResponse, str]:
        with self.request("GET", path) as connection:
            response = connection.getresponse()
            return response, response.read().decode()

    def sign_in(self, *, before_sending: Callable[[], None] = lambda: None) -> str | None:
        """Fill in the form for who was created. Where it leads, if to anywhere."""
        page, html = self.get("/accounts/login/")
        [token] = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', html)
        form = {"csrfmiddlewaretoken": token, "username": "ann", "password": PASSWORD}
        body = urlencode(form | {"next": "/admin/"}).encode()
        with self.request(
            "POST",
            "/accounts/login/",
            **{
                "Content-Length": str(len(body)),
                "Content-Type": "application/x-www-form-urlencoded",
                "Cookie": page.headers["Set-Cookie"].partition(";")[0],
                "Expect": "100-continue",
                "Origin": f"https://{HOST}",
            },
        ) as connection:
            assert connection.sock.recv(1000).startswith(b"HTTP/1.1 100 ")  # go on, it says
            before_sending()
            connection.send(body)
            return connection.getresponse().headers["Location"]


class Deploy(Protocol):
    def __call__(self, database_url: str, *prepare: str) -> Server: ...


@pytest.fixture
def deploy(checkout: Path) -> Iterator[Deploy]:
    """Follow the page from a checkout. What still runs at the end is killed."""
    bare = {
        name: value
        for name, value in os.environ.items()
        if name in {"HOME", "LANG"} or name.startswith("COVERAGE_")
    } | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "DJANGO_SUPERUSER_USERNAME": "ann",
        "DJANGO_SUPERUSER_EMAIL": "ann@example.org",
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
    }

    with ExitStack() as started:

        def start(database_url: str, *prepare: str) -> Server:
            typed = "\n".join(["set -e", *prepare, f"exec {START}"])
            # What is not the same for every reader.
            for written, here in {
                "postgresql://allocation:password@127.0.0.1/allocation": shlex.quote(database_url),
                "createsuperuser": "createsuperuser --no-input",
                "127.0.0.1:8000": "127.0.0.1:0",
            }.items():
                typed = typed.replace(written, here)
            process = subprocess.Popen(
                ["/bin/bash", "-c", typed],
                cwd=checkout,
                env=bare,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            started.enter_context(process)
            started.callback(process.kill)
            return Server(process)

        yield start


def test_the_site_works(alias: str, database_url: DatabaseUrl, deploy: Deploy) -> None:
    server = deploy(database_url(alias), *PREPARE)

    health, body = server.get("/healthz")
    assert (health.status, body) == (200, '{"status": "ok"}')

    page, html = server.get("/accounts/login/")
    assert page.status == 200
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]

    # Its stylesheet has a name that tells its contents, and so is kept for ever.
    [stylesheet] = re.findall(r'<link rel="stylesheet" href="([^"]+)">', html)
    assert re.fullmatch(r"/static/allocation/site\.[0-9a-f]{12}\.css", stylesheet)
    style, _ = server.get(stylesheet)
    assert (style.status, style.headers["Content-Type"]) == (200, 'text/css; charset="utf-8"')
    assert "immutable" in style.headers["Cache-Control"]

    assert server.sign_in() == "/admin/"


@pytest.mark.django_db(databases=["default"], transaction=True)
def test_sigterm_lets_a_request_end(database_url: DatabaseUrl, deploy: Deploy) -> None:
    server = deploy(database_url("default"), *PREPARE)

    def stop() -> None:
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("Handling signal: term")

    assert server.sign_in(before_sending=stop) == "/admin/"
    assert server.process.wait(timeout=60) == 0


def test_it_tells_that_the_database_is_away(deploy: Deploy) -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        [_, port] = nobody_listens.getsockname()
        configure = [command for command in PREPARE if command.startswith("export")]
        static = [command for command in PREPARE if "collectstatic" in command]
        server = deploy(f"postgresql://127.0.0.1:{port}/none", *configure, *static)

        health, body = server.get("/healthz")

        assert (health.status, body) == (503, '{"status": "database unreachable"}')
        server.wait_for("Connection refused")


def test_what_a_server_needs_is_locked_as_it_is_tested() -> None:
    [*_, requirements] = shlex.split(commands(INSTALL)[-1])
    server, everything = (
        set(re.findall(r"^[\w-]+==\S+", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in (requirements, "requirements.txt")
    )
    assert len(server) > 10
    assert server <= everything
