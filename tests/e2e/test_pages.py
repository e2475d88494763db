"""Every page of the site: without anything to show, full, and with what is wrong with a form.

They come from the site's own configuration, so that no page that is added can
be forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import partial
from io import StringIO
from typing import Final

import pytest
from django.apps import apps
from django.contrib.admin.utils import quote
from django.core.management import call_command
from playwright.sync_api import Page, expect

from allocation import bootstrap
from allocation.domain.values import MAX_LENGTH
from allocation.service_layer import services
from tests.e2e.hands import send_file
from tests.e2e.looking import SIZES, Known, assert_fits, look
from tests.e2e.pages import ACCOUNT, ADMIN, STOCK
from tests.factories import BatchFactory, OrderLineFactory
from tests.integration.shop import DatabaseShop
from tests.support.routes import path

PAGES: Final = [*ACCOUNT, *STOCK]

# Its fields have no value then; says whether it needs any, and lets it be sent nevertheless.
_EMPTY_FORM: Final = """form => {
    const fields = [...form.elements].filter(field => field.type != "hidden");
    fields.forEach(field => { field.value = ""; });
    form.noValidate = true;
    return !form.checkValidity();
}"""

# What the templates and scripts of Django's admin bring along.
DJANGOS: Final = {
    "aria-prohibited-attr": "search-label-icon",  # above choices that move from box to box
    "label": "class=.v(Date|Time)Field",  # the halves of a moment
    "label-title-only": 'id="searchbar"',  # its label is a picture
}

UNKNOWN_COLUMNS: Final = b"number,article,pieces\n1,LAMP,3\n"
ORDERS: Final = b"""\
orderid,sku,qty
order-2001,BLUE-VASE,12
order-2001,VELVET-SOFA,4
order-2002,OAK-STOOL,2
order-2002,RED-CHAIR,none
order-2003,OAK-STOOL,-3
"""


def name(route: str) -> str:
    """What the pictures of a page are called."""
    return re.sub(r"\W+", "-", route).strip("-") or "overview"


def look_at(page: Page, pages: Iterable[str], state: str, **names: str) -> None:
    """Look at these pages, with these names in their addresses."""
    for route in pages:
        response = page.goto(path(route, names))
        assert response is not None
        assert response.status == 200, page.url
        look(page, f"{name(route)}-{state}")


def look_at_mistakes(page: Page, url: str, state: str, known: Known | None = None) -> None:
    """Send each form that needs something without it, past what the browser has against it."""
    page.goto(url)
    forms = page.locator("main form:not(#changelist-form)")
    for number in range(forms.count()):
        page.goto(url)
        form = forms.nth(number)
        if form.evaluate(_EMPTY_FORM):
            form.locator("[type=submit]").first.click()
            expect(page.locator(".errorlist").first).to_be_visible()
            look(page, f"{state}-{number}", known)


def uploaded(page: Page, filename: str, content: bytes) -> str:
    """Send a file of orders; returns the key of the upload."""
    send_file(page, "Orders", filename, content)
    page.wait_for_url(re.compile(r"/uploads/\d+/$"))
    return page.url.split("/")[-2]


def test_pages_with_nothing_to_show(alias: str, clerk_page: Page) -> None:
    look_at(clerk_page, [route for route in PAGES if "<" not in route], "empty")

    BatchFactory(using=alias, reference="b1", sku="LAMP")
    OrderLineFactory(using=alias, orderid="o1", sku="SOFA")
    pk = uploaded(clerk_page, "orders.csv", UNKNOWN_COLUMNS)
    names = {"reference": "b1", "orderid": "o1", "sku": "SOFA", "pk": pk}
    look_at(clerk_page, [route for route in PAGES if "<" in route], "empty", **names)


@pytest.fixture
def names(alias: str, clerk_page: Page) -> dict[str, str]:
    """A warehouse at work; returns names of what is there, for addresses of pages."""
    call_command("demo", "--no-serve", database=alias, stdout=StringIO())
    run = partial(bootstrap.run, using=alias, actor="clerk")
    late = "SHIP-DODO-BLUE-VASE", "BLUE-VASE", 60
    run(partial(services.add_batch, *late, date(2026, 1, 31)))
    run(partial(services.change_batch_eta, "SHIP-OSPREY-RED-CHAIR", date(2027, 2, 15)))
    run(partial(services.reallocate_batch, "SHIP-OSPREY-RED-CHAIR"))
    pk = uploaded(clerk_page, "orders-2026-11-20.csv", ORDERS)
    return {
        "reference": "SHIP-OSPREY-RED-CHAIR",
        "orderid": "order-1004",
        "sku": "RED-CHAIR",
        "pk": pk,
    }


def test_pages_of_a_warehouse_at_work(clerk_page: Page, names: dict[str, str]) -> None:
    look_at(clerk_page, PAGES, "full", **names)


def test_pages_full_of_long_names_are_no_wider_than_the_screen(
    clerk_page: Page, shop: DatabaseShop
) -> None:
    long = "W" * MAX_LENGTH
    shop.add(long, long, 2_000_000_000, date(2020, 1, 31))
    shop.order((long, long, 1_999_999_999))
    bootstrap.run(partial(services.reallocate, long, long), shop.alias, actor=long)
    shop.order((f"{long[1:]}V", long, 1_999_999_999))
    pk = uploaded(clerk_page, f"{long[4:]}.csv", f"{long},{long}-,-{long}\n{long},1,1\n".encode())
    names = {"reference": long, "orderid": long, "sku": long, "pk": pk}
    for size in SIZES.values():
        clerk_page.set_viewport_size(size)
        for route in STOCK:
            clerk_page.goto(path(route, names))
            assert_fits(clerk_page)


def test_pages_that_tell_what_is_wrong_with_a_form(clerk_page: Page, names: dict[str, str]) -> None:
    for route in PAGES:
        look_at_mistakes(clerk_page, path(route, names), f"{name(route)}-wrong")


def test_pages_of_the_admin(alias: str, admin_page: Page, names: dict[str, str]) -> None:
    for route in ADMIN:
        url = admin_path(alias, route)
        response = admin_page.goto(url)
        assert response is not None
        assert response.status in {200, 403}, url
        if response.status == 200:
            look(admin_page, f"{name(route)}-full", DJANGOS)
            look_at_mistakes(admin_page, url, f"{name(route)}-wrong", DJANGOS)


def admin_path(alias: str, route: str) -> str:
    """The path of a page of the admin; where it is about an object, about the first one."""
    found = re.match(r"admin/(\w+)/(\w+)/<", route)
    if found is None:
        return path(route, {"app_label": "allocation"})
    objects = apps.get_model(found[1], found[2])._default_manager.using(alias)
    key = quote(str(objects.values_list("pk", flat=True)[0]))
    return path(route, {"object_id": key, "id": key})
