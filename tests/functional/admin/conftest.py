"""The admin on the database of the test, and the people who use it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings

from tests.conftest import Fetch
from tests.integration.shop import DatabaseShop
from tests.support.people import make_groups, make_user


class Everything:
    """Routes all queries to one database: the admin takes the one that the router names."""

    def __init__(self, alias: str) -> None:
        self.alias = alias

    def db_for_read(self, *_: Any, **__: Any) -> str:
        return self.alias

    db_for_write = db_for_read


class SignIn(Protocol):
    def __call__(self, name: str) -> Client: ...


@pytest.fixture
def site(alias: str) -> Iterator[None]:
    """Everything that the site reads and writes is in the database of the test."""
    with override_settings(DATABASE_ROUTERS=[Everything(alias)]):
        yield


@pytest.fixture
def sign_in(alias: str, site: None) -> SignIn:
    """A client of "ann", a clerk, of "vera", who may look alone, or of "root": all of them staff.

    "strange" is staff without any permission.
    """
    make_groups(alias)
    groups = {"ann": ["stock clerks"], "vera": ["stock viewers"]}

    def client(name: str) -> Client:
        user = User.objects.filter(username=name).first()
        if user is None:
            user = make_user(alias, name, *groups.get(name, []))
            user.is_staff, user.is_superuser = True, name == "root"
            user.save()
        signed_in = Client()
        signed_in.force_login(user)
        return signed_in

    return client


@pytest.fixture
def clerk(sign_in: SignIn) -> Client:
    return sign_in("ann")


@pytest.fixture
def viewer(sign_in: SignIn) -> Client:
    return sign_in("vera")


@pytest.fixture
def shop(alias: str, fetch: Fetch) -> DatabaseShop:
    return DatabaseShop(alias, fetch)
