"""Names in URLs."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from django.test import Client
from django.urls import resolve, reverse
from hypothesis import example, given
from hypothesis import strategies as st

from allocation.domain.values import InvalidValue, text


def _accepted(typed: str) -> str | None:
    with suppress(InvalidValue):
        return text("name", typed)
    return None


names = st.text(min_size=1).map(_accepted).filter(lambda name: name is not None)


@given(names)
@example("a/b")
@example("..")
@example("a_2Fb")
@example("?a=b#c%2F&d;e")
@example("é 😀 \u202e \u00ad")
@example("x" * 255)
def test_any_name_that_the_domain_accepts_comes_back(name: str) -> None:
    url = reverse("allocation:order", args=[name])

    assert re.fullmatch(r"/order/[A-Za-z0-9_-]+/", url)
    assert resolve(url).kwargs == {"orderid": name}


@given(names, names)
def test_different_names_have_different_urls(one: str, other: str) -> None:
    urls = {reverse("allocation:sku", args=[name]) for name in (one, other)}
    assert len(urls) == len({one, other})


@pytest.mark.django_db
@pytest.mark.parametrize(
    "segment", ["_FF", "_00", "_2f", "_", "_2", "a.b", "%20", "_20", "a" * 256]
)
def test_what_names_nothing_leads_nowhere(client: Client, segment: str) -> None:
    assert client.get(f"/sku/{segment}/").status_code == 404
