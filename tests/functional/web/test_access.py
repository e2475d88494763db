"""Who may see and send what: every URL of the site, for everybody.

A page that is not in the table fails the test, as the URLs come from the site's
own configuration.
"""

from __future__ import annotations

import re
from typing import TypeAlias

import pytest
from django.apps import apps
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from allocation.entrypoints.uploads import take_in
from allocation.models import Upload
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

ALL = routes()
ADMIN = [route for route in ALL if route.startswith("admin/") and route not in PAGES]
NAMES = {"reference": "b1", "orderid": "o1", "sku": "LAMP", "pk": "17"}
SIGN_IN = "/accounts/login/", "/admin/login/"


@pytest.fixture(autouse=True)
def stock(db: None) -> None:
    batch = BatchFactory(
        using="default", reference="b1", sku="LAMP", allocated_quantity=1, lines_taken=1
    )
    OrderLineFactory(using="default", orderid="o1", sku="LAMP", batch=batch, position=1)
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
        assert sorted(PAGES) == sorted(set(ALL) - set(ADMIN))

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
    """For administrators alone; in what they do, nothing breaks."""

    @pytest.mark.parametrize("route", ADMIN)
    def test_is_for_administrators(self, route: str, clients: list[Client]) -> None:
        *others, admin = clients
        for url in paths(route):
            for method in ("get", "post"):
                for client in others:
                    response = getattr(client, method)(url)
                    assert response.status_code == 302
                    assert response["Location"].startswith(SIGN_IN)
                response = getattr(admin, method)(url)
                assert response.status_code < 500
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
