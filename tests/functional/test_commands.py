"""What all commands have in common."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.db import transaction

from allocation.models import Batch
from tests.conftest import ROOT, Fetch, Manage
from tests.functional.conftest import Allocations, Command
from tests.support.databases import POSTGRESQL

COMMANDS = sorted(name for name, app in get_commands().items() if app == "allocation")

# One that works on the tables, for every command.
ARGUMENTS = {
    "add_batch": ["STOCK", "LAMP", "5"],
    "allocate": ["o1", "LAMP", "5"],
    "allocate_orders": ["-"],
    "audit_stock": [],
    "change_batch_eta": ["STOCK", "--arrived"],
    "change_batch_quantity": ["STOCK", "5"],
    "deallocate": ["o1", "LAMP"],
    "demo": ["--no-serve"],
    "export_allocations": [],
    "import_batches": ["-"],
    "reallocate": ["--backorders"],
}
STDIN = {
    "allocate_orders": "orderid,sku,qty\no1,LAMP,5\n",
    "import_batches": "reference,sku,qty,eta\nSTOCK,LAMP,5,\n",
}


def run(url: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run `manage.py` as a person would, on the database at `url`."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "uow_project.settings"},
        check=False,
        input=stdin,
        capture_output=True,
        text=True,
    )


class TestCommands:
    def test_are_all_looked_at_here(self) -> None:
        assert list(ARGUMENTS) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
class TestHelp:
    def test_shows_an_example_and_the_database_option(
        self, name: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        command = load_command_class("allocation", name)
        command.print_help("manage.py", name)
        text = capsys.readouterr().out
        _, examples = text.split("\nexamples:\n")

        assert f"\n  manage.py {name}" in f"\n{examples}"
        assert "--database" in text

    def test_examples_are_accepted(self, name: str) -> None:
        command = load_command_class("allocation", name)
        parser = command.create_parser("manage.py", name)
        assert parser.epilog is not None
        examples = parser.epilog.replace("\\\n", " ").split("\n")[1:]
        for example in examples:
            words = example.partition("<")[0].partition("|")[0].split()
            assert words[:2] == ["manage.py", name]
            parser.parse_args(words[2:])


@pytest.mark.parametrize("name", COMMANDS)
class TestDatabase:
    def test_without_tables_is_to_be_migrated(self, name: str, tmp_path: Path) -> None:
        command = run(
            f"sqlite:///{tmp_path}/empty", name, *ARGUMENTS[name], stdin=STDIN.get(name, "")
        )

        assert command.returncode == 1
        assert command.stderr.splitlines()[-1].endswith(
            "run `manage.py migrate --database default`."
        )
        assert "Traceback" not in command.stderr


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:////missing/folder/db", "unable to open database file"),
        ("sqlite:///manage.py", "file is not a database"),
        ("postgresql://nobody@127.0.0.1:1/stock", "connection"),
    ],
)
class TestUnreachableDatabase:
    def test_is_told_in_a_sentence(self, url: str, message: str) -> None:
        command = run(url, "allocate", "o1", "LAMP", "5")

        assert (command.returncode, command.stdout) == (1, "")
        [sentence] = command.stderr.splitlines()
        assert sentence.startswith('CommandError: The database "default" cannot be used: ')
        assert message in sentence


@pytest.mark.parametrize("alias", [POSTGRESQL])
class TestConnection:
    def test_that_is_lost_is_told_in_a_sentence(
        self, alias: str, command: Command, manage: Manage, fetch: Fetch
    ) -> None:
        command("add_batch", "STOCK", "LAMP", 5)
        waiting = (
            "SELECT pid FROM pg_stat_activity "
            "WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        with transaction.atomic(using=alias):
            Batch.objects.using(alias).select_for_update().get()
            allocating = manage(alias, "allocate", "o1", "LAMP", "5")
            deadline = time.monotonic() + 60
            while not (found := fetch(alias, waiting)):
                assert time.monotonic() < deadline, "It does not wait for the lock."
            fetch(alias, "SELECT pg_terminate_backend(%s)", found[0])
            stdout, stderr = allocating.communicate(timeout=60)

        assert (allocating.returncode, stdout) == (1, "")
        assert stderr.startswith('CommandError: The database "default" cannot be used: ')
        assert len(stderr.splitlines()) == 1


class TestProcess:
    """What only a process of its own shows."""

    def test_fails_with_status_1_and_a_sentence(self, alias: str, manage: Manage) -> None:
        command = manage(alias, "allocate", "o1", "LAMP", "5")
        stdout, stderr = command.communicate()

        assert (command.returncode, stdout) == (1, "")
        assert stderr == "CommandError: Invalid sku LAMP: there is no batch of it.\n"

    def test_reads_stdin(self, alias: str, manage: Manage, allocations: Allocations) -> None:
        importing = manage(alias, "import_batches", "-", "--format=json")
        stdout, _ = importing.communicate("reference,sku,qty,eta\nSTOCK,LAMP,5,\n")
        assert json.loads(stdout)["added"] == 1
        allocating = manage(alias, "allocate_orders", "-", "--format=json")
        stdout, stderr = allocating.communicate("orderid,sku,qty\no1,LAMP,5\no2,LAMP,x\n")

        assert json.loads(stdout)["allocated"] == 1
        assert stderr.startswith("Row 3 is rejected")
        assert allocating.returncode == 0
        assert allocations() == {("o1", "LAMP"): (5, "STOCK")}

    def test_shows_what_its_locale_cannot(
        self, alias: str, manage: Manage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYTHONIOENCODING", "ascii")
        command = manage(alias, "add_batch", "Möbel", "LAMP", "5")
        stdout, stderr = command.communicate()

        assert (command.returncode, stderr) == (0, "")
        assert stdout == "Batch M\\xf6bel is in stock now.\n"

    def test_stops_at_an_interrupt_with_a_sentence(self, alias: str, manage: Manage) -> None:
        command = manage(alias, "allocate_orders", "-")
        assert command.stdin is not None
        # More than a pipe holds: when it is written, the command has begun to read.
        command.stdin.write("orderid,sku,qty\n" + "o1,LAMP,5\n" * 20_000)
        command.stdin.flush()
        command.send_signal(signal.SIGINT)
        assert command.stderr is not None

        assert command.stderr.read().startswith("CommandError: Interrupted.")
        assert command.wait() == 130


class TestUnknownAlias:
    def test_is_refused_with_those_there_are(self) -> None:
        command = run("sqlite://", "audit_stock", "--database=warehouse")

        assert command.returncode == 2
        assert "invalid choice: 'warehouse'" in command.stderr
