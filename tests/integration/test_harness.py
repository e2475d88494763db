"""What the tests themselves stand on."""

from django.contrib.auth.models import Group
from django.db import connections, transaction

from tests.conftest import Fetch, Manage

NAMES = "SELECT name FROM auth_group WHERE name = %s"


class TestFetch:
    def test_sees_what_was_committed(self, alias: str, fetch: Fetch) -> None:
        Group.objects.using(alias).create(name="buyers")

        assert fetch(alias, NAMES, ["buyers"]) == [("buyers",)]

    def test_does_not_see_what_was_not(self, alias: str, fetch: Fetch) -> None:
        with transaction.atomic(using=alias):
            Group.objects.using(alias).create(name="buyers")

            assert fetch(alias, NAMES, ["buyers"]) == []


class TestDatabase:
    def test_is_the_one_its_alias_names(self, alias: str) -> None:
        vendors = {"default": "sqlite", "postgresql": "postgresql"}

        assert connections[alias].vendor == vendors[alias]

    def test_is_empty_when_a_test_begins(self, alias: str, fetch: Fetch) -> None:
        """The tests above left a row each."""
        assert fetch(alias, NAMES, ["buyers"]) == []


class TestManage:
    def test_works_on_the_test_database(self, alias: str, manage: Manage, fetch: Fetch) -> None:
        shell = manage(alias, "shell", "--no-color")
        _, errors = shell.communicate(
            "from django.contrib.auth.models import Group\nGroup.objects.create(name='sellers')\n"
        )

        assert (shell.returncode, errors) == (0, "")
        assert fetch(alias, NAMES, ["sellers"]) == [("sellers",)]

    def test_tells_a_failed_command_by_its_status(self, alias: str, manage: Manage) -> None:
        command = manage(alias, "no_such_command")
        _, errors = command.communicate()

        assert command.returncode == 1
        assert "no_such_command" in errors
