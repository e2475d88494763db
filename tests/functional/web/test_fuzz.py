"""Whatever is typed into whichever field: nothing breaks, and nothing becomes markup."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.functional.web.conftest import LOOKS, Site
from tests.support.html import inputs, text
from tests.support.routes import path, routes

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

NAMES = {"reference": "b1", "orderid": "o1", "sku": "LAMP"}
OTHERS = ("admin/", "accounts/", "healthz", "uploads/")  # see test_uploads_fuzz
PAGES = [route for route in routes() if not route.startswith(OTHERS)]
# What pages read beside the fields of their forms.
PARAMETERS = ["next", "after", "before", "waiting_after", "waiting_before", "qty"]

typed = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "\x00",
            "a\x00b",
            "\r\n",
            "<fuzz>",
            '"\'><fuzz a="',
            "</textarea></title></script><fuzz>",
            "{{ fuzz }}{% fuzz %}",
            "%00%s%(x)s%",
            "'; DROP TABLE allocation_batch; --",
            "javascript:fuzz()",
            "//elsewhere.example",
            "-1",
            "0",
            "1",
            "2147483647",
            "2147483648",
            "9" * 700,
            "1e400",
            "NaN",
            "٣",
            "2030-06-01",
            "2030-02-30",
            "0000-00-00",
            "10000-01-01",
            "on",
            "b1",
            "o1",
            "LAMP",
            "x" * 255,
            "x" * 256,
            "é" * 255,
            "\u202e\u200b\ufeff",
            "\U0001f600",
            "WzEsMl0=",
        ]
    ),
    st.text(max_size=40),
    st.integers().map(str),
    st.dates().map(str),
)


class _Tags(HTMLParser):
    def __init__(self, response: Response) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(response.content.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes |= {name for name, _ in attrs}


def require_sound(response: Response) -> None:
    assert response.status_code in {200, 404, 405}
    if response.status_code == 200:
        tags = _Tags(response)
        assert "main" in tags.found
        assert not {"fuzz", "script", "style"} & tags.found
        assert not {name for name in tags.attributes if name.startswith(("on", "style"))}


@LOOKS
@pytest.mark.parametrize("route", PAGES)
def test_nothing_breaks(site: Site, route: str) -> None:
    site.add("b1", "LAMP", 10)
    site.order(("o1", "LAMP", 2))
    url = path(route, NAMES)
    form = site.client.get(url).context.get("form")
    names = [*(form.fields if form else ()), *PARAMETERS]

    @given(st.dictionaries(st.sampled_from(names), typed))
    @settings(max_examples=20)
    def send(values: dict[str, str]) -> None:
        require_sound(site.client.get(url, values))
        require_sound(site.client.post(url, values, follow=True))

    send()
    for shown in ("overview", "batches", "lines", "history"):
        require_sound(site.get(shown))


@LOOKS
@pytest.mark.parametrize(
    "name", ["<fuzz>", '"\'><fuzz a="', "</title><fuzz>", "&lt;fuzz&gt;", "{{ 1 }}", "é / 😀?#"]
)
def test_names_are_shown_as_they_are(site: Site, name: str) -> None:
    site.post("add_batch", reference=name, sku=name, qty="5")
    for orderid, qty in ((name, "4"), (f"{name}2", "9")):
        site.post("allocate_line", orderid=orderid, sku=name, qty=qty, backorder="on")

    for page, args, query in (
        ("overview", [], {}),
        ("batches", [], {"q": name}),
        ("batch", [name], {}),
        ("change_quantity", [name], {"qty": "1"}),
        ("change_eta", [name], {}),
        ("reallocate_batch", [name], {}),
        ("lines", [], {"q": name}),
        ("order", [name], {}),
        ("deallocate_line", [name, name], {}),
        ("reallocate_line", [name, name], {}),
        ("allocate_line", [], {"sku": name}),
        ("sku", [name], {"qty": "1"}),
        ("retry_sku", [name], {}),
        ("history", [], {"batch": name}),
    ):
        response = site.get(page, *args, **query)
        require_sound(response)
        assert name in text(response) or name in inputs(response).values(), page
