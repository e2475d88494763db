from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from allocation.service_layer import services
from tests.conftest import DatabaseUrl, Fetch
from tests.functional.conftest import Allocations, Command
from tests.support.people import make_groups


@pytest.fixture
def groups(alias: str) -> None:
    make_groups(alias)


def stock(alias: str, fetch: Fetch) -> list[object]:
    """The batches and the lines, whatever the database calls them by."""
    return [
        fetch(alias, "SELECT * FROM allocation_batch ORDER BY reference"),
        fetch(
            alias,
            "SELECT orderid, sku, qty, batch_id, position FROM allocation_orderline "
            "ORDER BY orderid, sku",
        ),
    ]


def history(alias: str, fetch: Fetch) -> list[tuple[object, ...]]:
    return fetch(alias, "SELECT * FROM allocation_historyentry ORDER BY id")


def stop(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.usefixtures("groups")
class TestDemo:
    def test_shows_what_it_did(self, command: Command, allocations: Allocations) -> None:
        output = command("demo", "--no-serve")

        assert "Batch SHIP-HERON-RED-CHAIR arrives with 30 units only" in output.stdout
        assert "Numbers that disagree: 0." in output.stdout
        assert output.stderr == ""
        assert 180 < len(allocations()) < 200

    def test_shows_every_kind_of_outcome(self, command: Command) -> None:
        """Else the sample shows less than it could."""
        stdout = command("demo", "--no-serve").stdout
        counts = dict(
            line.rsplit(maxsplit=1)
            for line in stdout.splitlines()
            if line and line.split()[-1].isdecimal()
        )
        kinds = [name for name in counts if name.startswith(("rejected", "merged", "lines "))]

        assert {name for name in kinds if counts[name] == "0"} == {
            "lines allocated already",
            "lines still waiting",
        }

    def test_run_again_keeps_what_is_there_and_says_so(
        self, alias: str, command: Command, fetch: Fetch
    ) -> None:
        command("demo", "--no-serve")
        before = history(alias, fetch), stock(alias, fetch)
        output = command("demo", "--no-serve")

        assert (history(alias, fetch), stock(alias, fetch)) == before
        assert "The sample is loaded already" in output.stdout

    def test_run_again_keeps_what_people_did(
        self, alias: str, command: Command, fetch: Fetch
    ) -> None:
        command("demo", "--no-serve")
        command("deallocate", "order-1040", "RED-CHAIR")
        command("change_batch_quantity", "SHIP-HERON-RED-CHAIR", 61)
        command("change_batch_eta", "STOCK-OAK-STOOL", "2027-01-01")
        before = history(alias, fetch), stock(alias, fetch)
        output = command("demo", "--no-serve")

        assert (history(alias, fetch), stock(alias, fetch)) == before
        assert "The sample is loaded already" in output.stdout

    @pytest.mark.parametrize("step", ["allocate_lines", "change_batch_quantity"])
    def test_run_again_does_what_it_was_stopped_before(
        self,
        alias: str,
        command: Command,
        fetch: Fetch,
        monkeypatch: pytest.MonkeyPatch,
        step: str,
    ) -> None:
        command("demo", "--no-serve")
        whole = stock(alias, fetch)
        call_command("flush", database=alias, interactive=False)
        make_groups(alias)

        with monkeypatch.context() as patch, pytest.raises(CommandError, match="again to go on"):
            patch.setattr(services, step, stop)
            command("demo", "--no-serve")
        assert stock(alias, fetch) != whole
        output = command("demo", "--no-serve")

        assert stock(alias, fetch) == whole
        assert "The sample is loaded already" not in output.stdout


@pytest.mark.usefixtures("groups")
class TestClerk:
    def test_can_sign_in_with_the_password_that_is_shown(
        self, alias: str, command: Command
    ) -> None:
        [password] = re.findall(r"Password: (\w+)", command("demo", "--no-serve").stdout)

        clerk = User.objects.using(alias).get(username="clerk")
        assert clerk.check_password(password)
        assert [group.name for group in clerk.groups.all()] == ["stock clerks"]

    def test_keeps_the_password(self, alias: str, command: Command, fetch: Fetch) -> None:
        def stored() -> object:
            return fetch(alias, "SELECT username, password FROM auth_user")

        command("demo", "--no-serve")
        before = stored()
        stdout = command("demo", "--no-serve").stdout

        assert stored() == before
        assert "Password:" not in stdout
        assert "manage.py changepassword clerk" in stdout


@pytest.mark.django_db(databases=["default"], transaction=True)
class TestSite:
    def test_is_served_until_it_is_interrupted(
        self, checkout: Path, database_url: DatabaseUrl
    ) -> None:
        make_groups("default")
        with subprocess.Popen(
            [sys.executable, "manage.py", "demo", "--port=0"],
            cwd=checkout,
            env=os.environ
            | {
                "DATABASE_URL": database_url("default"),
                "DJANGO_SETTINGS_MODULE": "uow_project.settings",
            },
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout
            url = next(
                match[1]
                for line in process.stdout
                if (match := re.match(r"The site is at (http://\S+) until", line))
            )
            with urllib.request.urlopen(f"{url}accounts/login/") as page:  # noqa: S310 - it is http
                html = page.read().decode()
            assert "<h1>Sign in</h1>" in html
            process.send_signal(signal.SIGINT)

        assert process.returncode == 0

    def test_needs_a_port_that_is_free(self) -> None:
        with (
            socket.create_server(("127.0.0.1", 0)) as other,
            pytest.raises(CommandError, match="is in use"),
        ):
            call_command("demo", port=other.getsockname()[1])

    def test_needs_a_port_that_there_is(self) -> None:
        with pytest.raises(CommandError, match="'65536' is no port"):
            call_command("demo", "--port=65536")

    def test_works_on_the_default_database_alone(self) -> None:
        with pytest.raises(CommandError, match="add --no-serve"):
            call_command("demo", database="postgresql")
