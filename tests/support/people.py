"""The groups that a migration makes, and people in them.

Django empties every table after a test with real transactions, those that
migrations have filled with the rest.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from django.contrib.auth.models import Group, Permission, User

PASSWORD: Final = "correct horse battery staple"  # noqa: S105 - it protects nothing

_GROUPS: dict[str, list[str]] = import_module("allocation.migrations.0003_groups").GROUPS


def make_groups(using: str) -> None:
    """Make the groups of the migration where they are gone."""
    for name, codenames in _GROUPS.items():
        group, _ = Group.objects.using(using).get_or_create(name=name)
        group.permissions.set(
            Permission.objects.using(using).filter(
                content_type__app_label="allocation", codename__in=codenames
            )
        )


def make_user(using: str, username: str, *groups: str) -> User:
    """Make somebody whose password is PASSWORD."""
    user = User.objects.db_manager(using).create_user(username, password=PASSWORD)
    user.groups.set(Group.objects.using(using).filter(name__in=groups))
    return user
