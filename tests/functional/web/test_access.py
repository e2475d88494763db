"""Who may see and send what: every URL of the site, for everybody.

A page that is not in the table fails the test, as the URLs come from the site's
own configuration.
"""

from __future__ import annotations

import itertools
import re
from typing import TypeAlias

import django
import pytest
from django.apps import apps
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from allocation.entrypoints.uploads import take_in
from allocation.models import HistoryEntry, Upload
from tests.factories import BatchFactory, OrderLineFactory
from tests.support.html import links
from tests.support.routes import path, routes

Statuses: TypeAlias = tuple[int, int, int, int]
"""For those who are signed out, for viewers, for clerks and for administrators."""

OPEN: Statuses = (200, 200, 200, 200)
LEFT: Statuses = (302, 302, 302, 302)
NO_SUCH_METHOD: Statuses = (405, 405, 405, 405)
SIGNED_IN: Statuses = (302, 200, 200, 200)
CLERKS: Statuses = (302, 403, 200, 200)
DONE: Statuses = (302, 403, 302, 302)

SHOWN = SIGNED_IN, (302, 405, 405, 405)
FOR_CLERKS = CLERKS, (302, 403, 405, 405)
FORM = CLERKS, CLERKS
"""Sent empty, it is shown again, with what is missing."""
BUTTON = CLERKS, DONE
"""Sent empty, it does what it is there for."""

PAGES: dict[str, tuple[Statuses, Statuses]] = {
    "": SHOWN,
    "batches/": SHOWN,
    "batches/add/": FORM,
    "batch/<name:reference>/": SHOWN,
    "batch/<name:reference>/quantity/": FORM,
    "batch/<name:reference>/eta/": FORM,
    "batch/<name:reference>/reallocate/": BUTTON,
    "lines/": SHOWN,
    "lines/allocate/": FORM,
    "lines/retry/": BUTTON,
    "order/<name:orderid>/": SHOWN,
    "order/<name:orderid>/<name:sku>/deallocate/": BUTTON,
    "order/<name:orderid>/<name:sku>/reallocate/": BUTTON,
    "sku/<name:sku>/": SHOWN,
    "sku/<name:sku>/retry/": BUTTON,
    "history/": SHOWN,
    "uploads/": FOR_CLERKS,
    "uploads/batches/": FORM,
    "uploads/orders/": FORM,
    "uploads/<int:pk>/": FORM,
    "uploads/<int:pk>/preview/": FORM,
    "uploads/<int:pk>/rejects/": FOR_CLERKS,
    "healthz": (OPEN, NO_SUCH_METHOD),
    "accounts/login/": (OPEN, OPEN),
    "accounts/logout/": ((302, 405, 405, 405), SIGNED_IN),
    "admin/login/": (LEFT, LEFT),
    "admin/logout/": ((302, 302, 302, 405), (302, 302, 302, 200)),
    "accounts/password/": (SIGNED_IN, SIGNED_IN),
    "accounts/password/changed/": SHOWN,
}

Answers: TypeAlias = tuple[int, int]
"""To an administrator, who asks for a page and sends an empty form to it."""

ASKED: Answers = (200, 200)
READ: Answers = (200, 405)
FINAL: Answers = (200, 403)
PRESSED: Answers = (200, 302)
LED_ON: Answers = (302, 302)
# Of what may not be changed, Django 5.2 says so whether it is there or not.
GONE: Answers = (302, 403) if django.VERSION < (6,) else LED_ON
REFUSED: Answers = (403, 403)
NOT_FOUND: Answers = (404, 404)

# For what is not there, and for what is; just one where a page is about nothing of the kind.
ADMIN: dict[str, tuple[Answers] | tuple[Answers, Answers]] = {
    "admin/": (ASKED,),
    "admin/password_change/": (ASKED,),
    "admin/password_change/done/": (READ,),
    "admin/autocomplete/": ((403, 405),),  # no form has a field that is completed
    "admin/jsi18n/": (READ,),
    "admin/r/<path:content_type_id>/<path:object_id>/": (NOT_FOUND,),
    "admin/<app_label>/": (ASKED,),
    "admin/<url>": (NOT_FOUND,),
    "admin/auth/group/": (ASKED,),
    "admin/auth/group/add/": (ASKED,),
    "admin/auth/group/<path:object_id>/": (LED_ON, LED_ON),
    "admin/auth/group/<path:object_id>/change/": (LED_ON, ASKED),
    "admin/auth/group/<path:object_id>/delete/": (LED_ON, ASKED),
    "admin/auth/group/<path:object_id>/history/": (LED_ON, ASKED),
    "admin/auth/user/": (ASKED,),
    "admin/auth/user/add/": (ASKED,),
    "admin/auth/user/<path:object_id>/": (LED_ON, LED_ON),
    "admin/auth/user/<path:object_id>/change/": (LED_ON, ASKED),
    "admin/auth/user/<path:object_id>/delete/": (LED_ON, ASKED),
    "admin/auth/user/<path:object_id>/history/": (LED_ON, ASKED),
    "admin/auth/user/<id>/password/": (NOT_FOUND, ASKED),
    "admin/allocation/batch/": (ASKED,),
    "admin/allocation/batch/add/": (ASKED,),
    "admin/allocation/batch/<path:object_id>/": (LED_ON, LED_ON),
    "admin/allocation/batch/<path:object_id>/change/": (GONE, FINAL),
    "admin/allocation/batch/<path:object_id>/delete/": (REFUSED, REFUSED),
    "admin/allocation/batch/<path:object_id>/history/": (NOT_FOUND, LED_ON),
    "admin/allocation/batch/<path:object_id>/quantity/": (NOT_FOUND, ASKED),
    "admin/allocation/batch/<path:object_id>/eta/": (NOT_FOUND, ASKED),
    "admin/allocation/batch/<path:object_id>/reallocate/": (NOT_FOUND, ASKED),
    "admin/allocation/orderline/": (ASKED,),
    "admin/allocation/orderline/add/": (REFUSED,),
    "admin/allocation/orderline/retry/": (PRESSED,),
    "admin/allocation/orderline/<path:object_id>/": (LED_ON, LED_ON),
    "admin/allocation/orderline/<path:object_id>/change/": (GONE, FINAL),
    "admin/allocation/orderline/<path:object_id>/delete/": (REFUSED, REFUSED),
    "admin/allocation/orderline/<path:object_id>/history/": (NOT_FOUND, LED_ON),
    "admin/allocation/historyentry/": (ASKED,),
    "admin/allocation/historyentry/add/": (REFUSED,),
    "admin/allocation/historyentry/<path:object_id>/": (LED_ON, LED_ON),
    "admin/allocation/historyentry/<path:object_id>/change/": (GONE, FINAL),
    "admin/allocation/historyentry/<path:object_id>/delete/": (REFUSED, REFUSED),
    "admin/allocation/historyentry/<path:object_id>/history/": (NOT_FOUND, LED_ON),
}

ALL = routes()
NAMES = {"reference": "b1", "orderid": "o1", "sku": "LAMP", "pk": "17"}
SIGN_IN = "/accounts/login/", "/admin/login/"


@pytest.fixture(autouse=True)
def stock(db: None) -> None:
    batch = BatchFactory(
        using="default", reference="b1", sku="LAMP", allocated_quantity=1, lines_taken=1
    )
    OrderLineFactory(using="default", orderid="o1", sku="LAMP", batch=batch, position=1)
    HistoryEntry.objects.create(actor="ann", service="add_batch", batch="b1", sku="LAMP")
    upload = take_in(Upload.Kind.ORDERS, SimpleUploadedFile("o.csv", b"orderid,sku,qty\no,,1"), "a")
    Upload.objects.filter(id=upload.pk).update(id=17)


@pytest.fixture
def clients() -> list[Client]:
    """Of somebody who is signed out, a viewer, a clerk and an administrator."""
    viewer, clerk = User.objects.create_user("viewer"), User.objects.create_user("clerk")
    viewer.groups.add(Group.objects.get(name="stock viewers"))
    clerk.groups.add(Group.objects.get(name="stock clerks"))
    return [Client(), *map(signed_in, (viewer, clerk, User.objects.create_superuser("admin")))]


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


class TestPages:
    def test_are_all_in_the_table(self) -> None:
        assert sorted([*PAGES, *ADMIN]) == sorted(ALL)

    @pytest.mark.parametrize("route", PAGES)
    def test_answer_as_the_table_says(self, route: str, clients: list[Client]) -> None:
        url = path(route, NAMES)
        shown = tuple(client.get(url).status_code for client in clients)
        sent = tuple(client.post(url).status_code for client in clients)
        assert (shown, sent) == PAGES[route]

    @pytest.mark.parametrize("route", PAGES)
    def test_send_those_who_are_signed_out_to_sign_in(self, route: str) -> None:
        url = path(route, NAMES)
        for response in (Client().get(url), Client().post(url)):
            if response.status_code == 302:
                assert response["Location"].startswith(SIGN_IN)

    @pytest.mark.parametrize(
        "route", [route for route, (shown, _) in PAGES.items() if shown[2] == 200]
    )
    def test_lead_nowhere_where_somebody_may_not_go(
        self, route: str, clients: list[Client]
    ) -> None:
        for client in clients[1:]:
            page = client.get(path(route, NAMES))
            if page.status_code == 200 and page["Content-Type"].startswith("text/html"):
                led = {url: client.get(url).status_code for url in links(page)}
                assert set(led.values()) <= {200}, led


class TestAdmin:
    """For administrators alone."""

    @pytest.mark.parametrize("route", ADMIN)
    def test_sends_all_others_to_sign_in(self, route: str, clients: list[Client]) -> None:
        for url in paths(route):
            for client in clients[:-1]:
                for response in (client.get(url), client.post(url)):
                    assert response.status_code == 302
                    assert response["Location"].startswith(SIGN_IN)

    @pytest.mark.parametrize("route", ADMIN)
    def test_answers_administrators_as_the_table_says(
        self, route: str, clients: list[Client]
    ) -> None:
        admin = clients[-1]
        asked = [(admin.get(url), admin.post(url)) for url in paths(route)]
        first, *others = [(shown.status_code, sent.status_code) for shown, sent in asked]
        assert (first, *dict.fromkeys(others)) == ADMIN[route]
        for response in itertools.chain(*asked):
            assert not response.get("Location", "").startswith(SIGN_IN)


class TestToken:
    @pytest.mark.parametrize("route", ALL)
    def test_is_needed_for_whatever_is_sent(self, route: str, clients: list[Client]) -> None:
        for client in clients:
            client.handler.enforce_csrf_checks = True
            for url in paths(route):
                assert client.post(url).status_code == 403


def paths(route: str) -> list[str]:
    """The path of a route, of the admin's for something that is there and for what is not."""
    names = NAMES | {"app_label": "allocation", "content_type_id": "1", "url": "nowhere"}
    found = re.fullmatch(r"admin/(\w+)/(\w+)/<.*", route)
    if found is None:
        return [path(route, names | {"object_id": "1"})]
    there = apps.get_model(found[1], found[2])._default_manager.values_list("pk", flat=True)
    keys = [quote(str(key)) for key in ("0", *there)]
    return [path(route, {"object_id": key, "id": key}) for key in keys]
