"""What the commands of this app have in common: options, help, and the way they answer."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
import textwrap
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any, ClassVar, NoReturn, TypeVar

from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter
from django.db import DEFAULT_DB_ALIAS, connections

from allocation import bootstrap
from allocation.domain.values import InvalidValue
from allocation.management.errors import explained
from allocation.service_layer.bulk import Runner
from allocation.service_layer.cells import read_eta, read_whole_number

T = TypeVar("T")

_BROKEN_PIPE = 141  # 128 + SIGPIPE, the status of any other program whose reader has left


class _HelpFormatter(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Django's, leaving the line breaks of the examples alone."""


def whole_number(argument: str) -> int:
    """Read an argument. Whether the number makes sense is for the domain to say."""
    number = read_whole_number(argument)
    if number is None:
        raise argparse.ArgumentTypeError(f"{argument!r} is not a whole number.")
    return number


def day(argument: str) -> date | None:
    """Read an argument: YYYY-MM-DD, or empty for stock in the warehouse."""
    try:
        return read_eta(argument)
    except InvalidValue as error:
        raise argparse.ArgumentTypeError(str(error)) from error


class AllocationCommand(BaseCommand):
    """A command that answers in words or, with `--format json`, in data.

    What was expected to go wrong is raised as CommandError, in a plain sentence.
    Results go to stdout, whatever else there is to say to stderr.
    """

    examples: ClassVar[str]
    """Command lines as they are typed, one per line, without `manage.py`."""
    formats: ClassVar[tuple[str, ...]] = ("text", "json")

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        lines = textwrap.dedent(self.examples).strip().splitlines()
        # An indented line goes on with the one before it.
        shown = [line if line.startswith(" ") else f"manage.py {line}" for line in lines]
        parser = super().create_parser(
            prog_name,
            subcommand,
            formatter_class=_HelpFormatter,
            epilog="\n  ".join(["examples:", *shown]),
            **kwargs,
        )
        parser.description = textwrap.fill(self.help)
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--database",
            default=DEFAULT_DB_ALIAS,
            choices=tuple(connections),
            help='The database to work on. Defaults to "default".',
        )
        if len(self.formats) > 1:
            parser.add_argument(
                "--format",
                choices=self.formats,
                default=self.formats[0],
                help="How to print the result. Defaults to %(default)s.",
            )

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            with explained(options.get("database", DEFAULT_DB_ALIAS)):
                output = super().execute(*args, **options)
                self.stdout.flush()
        except BrokenPipeError:
            _leave_quietly()
        return output

    def runner(self, using: str) -> Runner:
        """Runs services on the database `using`; the history names who typed the command."""
        return partial(bootstrap.run, using=using, actor=_typist())

    def run_on(self, using: str, use_case: Callable[..., T], *arguments: object) -> T:
        """Run a service with a unit of work as its last argument."""
        return self.runner(using)(partial(use_case, *arguments))

    def answer(self, options: dict[str, Any], text: str, data: object) -> None:
        """Print the result, in the format that was asked for."""
        if options["format"] == "json":
            text = json.dumps(data, indent=2)
        # What the terminal cannot show is no reason to fail after the work is done.
        self.reconfigure_stdout(errors="backslashreplace")
        self.stdout.write(text)

    def reconfigure_stdout(self, **settings: str) -> None:
        """Change how stdout writes texts, where it is a real one."""
        reconfigure = getattr(self.stdout, "reconfigure", None)  # a test's StringIO has none
        if reconfigure is not None:
            reconfigure(**settings)

    def say(self, options: dict[str, Any], message: str) -> None:
        """Tell the person at the terminal, beside the result."""
        if options["verbosity"] > 0:
            self.stderr.write(message, str)


class LineCommand(AllocationCommand):
    """A command about one order line."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("orderid", metavar="ORDERID", help="The order.")
        parser.add_argument("sku", metavar="SKU", help="What was ordered.")

    def answer_line(
        self, options: dict[str, Any], orderid: str, sku: str, reference: str, what: str
    ) -> None:
        """Print what became of the line, which has to do with the batch `reference`."""
        data = {"orderid": orderid, "sku": sku, "batchref": reference}
        self.answer(options, f"The line of order {orderid} for sku {sku} {what}", data)


def _typist() -> str:
    try:
        return f"{getpass.getuser()} (command line)"
    except (OSError, KeyError, ImportError):  # a user without a name, as in a container
        return "command line"


def _leave_quietly() -> NoReturn:
    # Python flushes stdout once more when it exits, and would complain then.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(_BROKEN_PIPE)
