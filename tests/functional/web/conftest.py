from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, cast

import pytest
from django.db.utils import ConnectionHandler
from django.test import Client
from django.urls import reverse

from allocation.uow import ConflictError
from tests.conftest import Fetch
from tests.functional.web.uploads import Clerk
from tests.integration.shop import DatabaseShop
from tests.support.people import make_groups, make_user

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

LOOKS = pytest.mark.django_db(databases=["default", "postgresql"])
"""For what is not looked at through another connection: nothing is committed, which is faster."""

HISTORY = (
    "SELECT actor, service, event, batch, from_batch, orderid, sku FROM allocation_historyentry "
    "ORDER BY id"
)


class Site(DatabaseShop):
    """The site on a database, as somebody sees it who is signed in."""

    def __init__(self, alias: str, fetch: Fetch, client: Client) -> None:
        super().__init__(alias, fetch)
        self.client = client

    def get(self, page: str, *args: str, **query: str) -> Response:
        return self.client.get(reverse(f"allocation:{page}", args=args), query)

    def post(self, page: str, *args: str, **form: str) -> Response:
        """Send a form, and go where that leads."""
        return self.client.post(reverse(f"allocation:{page}", args=args), form, follow=True)

    def history(self) -> list[tuple[Any, ...]]:
        return self.fetch(self.alias, HISTORY)


class SignIn(Protocol):
    def __call__(self, group: str, name: str = ...) -> Client: ...


@contextmanager
def site_on(alias: str, connections: ConnectionHandler) -> Iterator[None]:
    """Let the site, which works on "default", work on the database `alias` in this thread."""
    default = connections["default"]
    connections["default"] = connections[alias]
    try:
        yield
    finally:
        connections["default"] = default


@pytest.fixture
def on_alias(alias: str, connections: ConnectionHandler) -> Iterator[str]:
    """Let the site work on the database of the test."""
    with site_on(alias, connections):
        yield alias


@pytest.fixture
def sign_in() -> SignIn:
    """Sign somebody in who is in a group."""

    def sign_in(group: str, name: str = "ann") -> Client:
        make_groups("default")
        client = Client()
        client.force_login(make_user("default", name, group))
        return client

    return sign_in


@pytest.fixture
def shop(alias: str, fetch: Fetch) -> DatabaseShop:
    return DatabaseShop(alias, fetch)


@pytest.fixture
def site(on_alias: str, fetch: Fetch, sign_in: SignIn) -> Site:
    """The site as a clerk sees it."""
    return Site(on_alias, fetch, sign_in("stock clerks"))


@pytest.fixture
def ann(on_alias: str, sign_in: SignIn) -> Clerk:
    """A clerk who uploads files."""
    return Clerk(sign_in("stock clerks"))


def errors(response: Response) -> dict[str, list[str]]:
    """What a form has against what was typed, by field."""
    return cast("dict[str, list[str]]", response.context["form"].errors)


def refuse(*_: object, **__: object) -> None:
    """Run a use case as `bootstrap` does where others are always first."""
    raise ConflictError
