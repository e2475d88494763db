"""Who may see and do what: every URL of the admin of this app, for everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.urls import URLPattern
from pytest_django.asserts import assertContains, assertNotContains

from allocation.models import Batch, HistoryEntry, OrderLine
from tests.functional.admin.conftest import SignIn
from tests.functional.admin.pages import act, url
from tests.integration.shop import DatabaseShop
from tests.support.databases import POSTGRESQL

pytestmark = pytest.mark.django_db(transaction=True, databases=[POSTGRESQL])

GET, POST = "get", "post"
OK, MOVED, FORBIDDEN = 200, 302, 403

Statuses: TypeAlias = tuple[int, int, int, int, int]
"""For a stranger, staff without permissions, a viewer, a clerk and the superuser."""

WHO: Final = ("", "strange", "vera", "ann", "root")
READ: Final[Statuses] = (MOVED, FORBIDDEN, OK, OK, OK)
LEADS_ON: Final[Statuses] = (MOVED, FORBIDDEN, MOVED, MOVED, MOVED)
CLERKS_READ: Final[Statuses] = (MOVED, FORBIDDEN, FORBIDDEN, OK, OK)
CLERKS_WRITE: Final[Statuses] = (MOVED, FORBIDDEN, FORBIDDEN, MOVED, MOVED)
NOBODY: Final[Statuses] = (MOVED, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN)

# What a page answers when it is asked for, and when a good form is sent to it.
# An action that one may not use is not offered, and choosing it is choosing none.
EXPECTED: Final[dict[str, tuple[Statuses, Statuses]]] = {
    "batch_changelist": (READ, LEADS_ON),
    "batch_add": (CLERKS_READ, CLERKS_WRITE),
    "batch_change": (READ, NOBODY),
    "batch_delete": (NOBODY, NOBODY),
    "batch_history": (LEADS_ON, LEADS_ON),
    "batch_quantity": (CLERKS_READ, CLERKS_WRITE),
    "batch_eta": (CLERKS_READ, CLERKS_WRITE),
    "batch_reallocate": (CLERKS_READ, CLERKS_READ),
    "orderline_changelist": (READ, LEADS_ON),
    "orderline_add": (NOBODY, NOBODY),
    "orderline_change": (READ, NOBODY),
    "orderline_delete": (NOBODY, NOBODY),
    "orderline_history": (LEADS_ON, LEADS_ON),
    "orderline_retry": (CLERKS_READ, CLERKS_WRITE),
    "historyentry_changelist": (READ, LEADS_ON),
    "historyentry_add": (NOBODY, NOBODY),
    "historyentry_change": (READ, NOBODY),
    "historyentry_delete": (NOBODY, NOBODY),
    "historyentry_history": (LEADS_ON, LEADS_ON),
}
SEEN: Final = {"seen_qty": "5", "seen_allocated": "2", "seen_lines_taken": "1"}
FORMS: Final[dict[str, dict[str, Any]]] = {
    "batch_changelist": {
        "action": "reallocate_lines",
        "_selected_action": "STOCK",
        "confirmed": "yes",
    },
    "batch_add": {"reference": "NEW", "sku": "LAMP", "qty": "1"},
    "batch_quantity": {"qty": "4"} | SEEN,
    "batch_eta": {"eta": "2030-01-01"} | SEEN,
    "orderline_changelist": {"action": "retry_backorders", "_selected_action": "1"},
    "historyentry_changelist": {"action": "delete_selected", "_selected_action": "1"},
}


def patterns() -> Iterator[URLPattern]:
    for model in (Batch, OrderLine, HistoryEntry):
        yield from admin.site.get_model_admin(model).urls


NAMES = [str(found.name).removeprefix("allocation_") for found in patterns() if found.name]


@pytest.fixture
def alias() -> str:
    """Nothing here depends on the kind of database."""
    return POSTGRESQL


@pytest.fixture
def visit(alias: str, sign_in: SignIn, shop: DatabaseShop) -> Callable[..., int]:
    """The status of a page for somebody."""
    shop.add("STOCK", "LAMP", 5)
    shop.order(("o1", "LAMP", 2), ("o2", "LAMP", 9))
    HistoryEntry.objects.using(alias).create(actor="ann", service="add_batch", batch="STOCK")
    keys = {
        model._meta.model_name: model._default_manager.using(alias).order_by("pk")[0].pk
        for model in (Batch, OrderLine, HistoryEntry)
    }

    def status(name: str, who: str, method: str) -> int:
        client = sign_in(who) if who else Client()
        model, page = name.split("_")
        general = page in ("changelist", "add", "retry")
        path = url(name) if general else url(name, keys[model])
        response = getattr(client, method)(path, FORMS.get(name, {}) if method == POST else {})
        return int(response.status_code)

    return status


class TestEveryUrl:
    def test_is_in_the_table(self) -> None:
        assert sorted(dict.fromkeys(NAMES)) == sorted(EXPECTED)

    @pytest.mark.parametrize("name", EXPECTED)
    def test_is_for_those_who_may(self, visit: Callable[..., int], name: str) -> None:
        for method, expected in zip((GET, POST), EXPECTED[name], strict=True):
            found = tuple(visit(name, who, method) for who in WHO)
            assert (method, found) == (method, expected)


class TestEveryForm:
    @pytest.mark.parametrize(
        ("name", "query"),
        [
            ("batch_add", {}),
            ("batch_quantity", {"qty": "4"}),
            ("batch_eta", {}),
            ("batch_reallocate", {}),
            ("orderline_retry", {}),
        ],
    )
    def test_sends_the_token(
        self, clerk: Client, shop: DatabaseShop, name: str, query: dict[str, str]
    ) -> None:
        """As does the one for signing out, which is on every page."""
        shop.add("STOCK", "LAMP", 5)
        arguments = () if name in ("batch_add", "orderline_retry") else ("STOCK",)

        assertContains(clerk.get(url(name, *arguments, **query)), "csrfmiddlewaretoken", 2)


@pytest.mark.usefixtures("site")
class TestAViewer:
    def test_is_offered_nothing_that_writes(self, viewer: Client, shop: DatabaseShop) -> None:
        shop.add("STOCK", "LAMP", 5)
        shop.order(("o1", "LAMP", 9))
        before = shop.stored()
        for model in ("batch", "orderline", "historyentry"):
            page = viewer.get(url(f"{model}_changelist"))
            assertContains(page, "export_csv")
            for text in ("reallocate_lines", "retry", "Add batch"):
                assertNotContains(page, text)
        for text in ("quantity/", "eta/", "reallocate/"):
            assertNotContains(viewer.get(url("batch_change", "STOCK")), text)
        act(viewer, "batch", "reallocate_lines", "STOCK", confirmed="yes")
        assert shop.stored() == before

    def test_who_is_not_staff_is_sent_away(self) -> None:
        client = Client()
        client.force_login(User.objects.create_user("web", is_superuser=True))

        assert client.get(url("batch_changelist")).status_code == MOVED


class TestWhereEveryRequestIsATransaction:
    def test_services_still_commit(
        self, alias: str, clerk: Client, shop: DatabaseShop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(connections[alias].settings_dict, "ATOMIC_REQUESTS", True)
        form = {"reference": "NEW", "sku": "LAMP", "qty": "1"}

        assert clerk.post(url("batch_add"), form).status_code == MOVED
        act(clerk, "batch", "reallocate_lines", "NEW", confirmed="yes")
        assert clerk.post(url("orderline_retry")).status_code == MOVED
        assert shop.stored().batches == {"NEW": (1, 0)}
