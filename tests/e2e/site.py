"""The site as a process of its own, served by the server of production."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.conftest import ROOT

_HOST: Final = "127.0.0.1"


@dataclass(frozen=True)
class Site:
    """Where it is, and what it has logged."""

    url: str
    log: Path


@contextmanager
def served(database_url: str, log: Path) -> Iterator[Site]:
    """Serve the database, on a port that is free. Who comes too early waits at the port."""
    with socket.create_server((_HOST, 0)) as listening, log.open("wb") as stdout:
        [_, port] = listening.getsockname()
        bind = f"fd://{listening.fileno()}"
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                "--config=python:uow_project.server",
                f"--bind={bind}",
            ],
            cwd=ROOT,
            env=os.environ
            | {
                "ALLOWED_HOSTS": _HOST,
                "DATABASE_URL": database_url,
                "DJANGO_SETTINGS_MODULE": "tests.e2e.settings",
                "HTTPS": "false",
                "SECRET_KEY": "for the tests",
            },
            pass_fds=[listening.fileno()],
            stdout=stdout,
            stderr=subprocess.STDOUT,
        )
    with process:
        yield Site(f"http://{_HOST}:{port}", log)
        process.terminate()
