"""The site on this machine alone, to try it out: by the server of production, on loopback."""

from __future__ import annotations

import argparse
import errno
import importlib.util
import os
import socket
import sys
from typing import Final, NoReturn

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.core.management.utils import get_random_secret_key

from allocation.service_layer.cells import read_whole_number

_HOST: Final = "127.0.0.1"
_LAST_PORT: Final = 65_535
_THREADS: Final = 8


def port(argument: str) -> int:
    """Read an argument. 0 is any port that is free."""
    number = read_whole_number(argument)
    if number is None or not 0 <= number <= _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{argument!r} is no port: 0 to {_LAST_PORT}.")
    return number


def listen(port: int) -> socket.socket:
    """Take the port before anything else is done.

    Raises:
        CommandError: somebody else has it, or Gunicorn is not installed.
    """
    if importlib.util.find_spec("gunicorn") is None:
        raise CommandError("Gunicorn, which serves the site, is not installed: add --no-serve.")
    try:
        return socket.create_server((_HOST, port))
    except OSError as error:
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"is not ours: {error}"
        raise CommandError(
            f"Port {port} of {_HOST} {reason}. Choose another one with --port, "
            "or serve no site with --no-serve."
        ) from error


def url(listening: socket.socket) -> str:
    return f"http://{_HOST}:{listening.getsockname()[1]}/"


def serve(listening: socket.socket) -> NoReturn:
    """Become the server, which goes on until it is stopped. What is buffered must be flushed."""
    call_command("collectstatic", interactive=False, verbosity=0)
    listening.set_inheritable(True)
    module, _, application = settings.WSGI_APPLICATION.rpartition(".")
    arguments = [
        *(sys.executable, "-m", "gunicorn", f"{module}:{application}"),
        *("--bind", f"fd://{listening.fileno()}", "--threads", str(_THREADS)),
        *("--log-level", "warning", "--no-control-socket"),
    ]
    # A key that lasts as long as this server: with the next one, people sign in again.
    environment = {"SECRET_KEY": get_random_secret_key()} | os.environ
    here = {"ALLOWED_HOSTS": f"{_HOST},localhost", "HTTPS": "false"}
    os.execve(sys.executable, arguments, environment | here)  # noqa: S606 - nothing of it is foreign
