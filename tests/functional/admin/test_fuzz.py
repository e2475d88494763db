"""Whatever is sent to the admin, it answers; what it stores, it shows escaped."""

from __future__ import annotations

from html import escape
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.functional.admin.pages import url
from tests.integration.shop import DatabaseShop

EVIL = "<script>alert(1)</script>"
ODD = ["", " ", "\0", "a\0b", EVIL, f'"{EVIL}', "'", "\\", "%", "_2F", "../..", "\u202e", "{{ 1 }}"]
MODELS = ["batch", "orderline", "historyentry"]
ACTIONS = ["export_csv", "reallocate_lines", "retry_backorders"]
PARAMETERS = ["q", "o", "p", "e", "all", "state", "batch", "order", "sku"]
PARAMETERS += [f"eta__{part}" for part in ("year", "month", "day")]

# No half characters: a request cannot carry them.
texts = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=300),
    st.sampled_from(ODD),
    st.text("ab ", max_size=20).map(lambda text: EVIL + text),
)
numbers = st.one_of(
    texts,
    st.integers().map(str),
    st.integers(1, 20).map(str),
    st.floats().map(str),
    st.just("9" * 5000),
)
dates = st.one_of(texts, st.dates().map(str), st.sampled_from(["0000-00-00", "99999-01-01"]))

patiently = settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(autouse=True)
def stock(shop: DatabaseShop) -> None:
    shop.add("STOCK", "LAMP", 10)
    shop.order(("o1", "LAMP", 6), ("o2", "LAMP", 3), ("o3", "LAMP", 9))


def answered(response: Any) -> None:
    """Neither an error of ours, nor markup that somebody typed."""
    assert response.status_code in {200, 302, 400, 404}, response.status_code
    if not response.streaming:
        assert EVIL not in response.content.decode()


@patiently
@given(reference=texts, sku=texts, qty=numbers, eta=dates)
def test_adding_a_batch(
    clerk: Client, shop: DatabaseShop, reference: str, sku: str, qty: str, eta: str
) -> None:
    known = shop.stored().batches
    form = {"reference": reference, "sku": sku, "qty": qty, "eta": eta}
    response = clerk.post(url("batch_add"), form)
    answered(response)
    if response.status_code == 302:
        stored = reference.strip()
        assert stored in shop.stored().batches
        answered(clerk.get(url("batch_changelist")))
        page = clerk.get(url("batch_change", stored))
        assert page.status_code == 200
        assert escape(stored) in page.content.decode()
        answered(page)
        for name in ("quantity", "eta", "reallocate"):
            answered(clerk.get(url(f"batch_{name}", stored)))
    else:
        assert shop.stored().batches == known


@patiently
@given(qty=numbers, seen_qty=numbers, seen_eta=dates)
def test_changing_the_quantity(
    clerk: Client, shop: DatabaseShop, qty: str, seen_qty: str, seen_eta: str
) -> None:
    answered(clerk.get(url("batch_quantity", "STOCK", qty=qty)))
    form = {"qty": qty, "seen_qty": seen_qty, "seen_eta": seen_eta}
    answered(clerk.post(url("batch_quantity", "STOCK"), form))
    shop.stored().require_sound()


@patiently
@given(eta=dates, seen_qty=numbers, seen_eta=dates)
def test_changing_the_eta(clerk: Client, eta: str, seen_qty: str, seen_eta: str) -> None:
    form = {"eta": eta, "seen_qty": seen_qty, "seen_eta": seen_eta}
    answered(clerk.post(url("batch_eta", "STOCK"), form))
    answered(clerk.get(url("batch_changelist")))


@patiently
@given(
    model=st.sampled_from(MODELS),
    action=st.one_of(st.sampled_from(ACTIONS), texts),
    keys=st.lists(st.one_of(st.sampled_from(["STOCK", "1"]), numbers), max_size=3),
    more=st.dictionaries(st.sampled_from(["index", "select_across", "confirmed"]), numbers),
)
def test_running_an_action(
    clerk: Client,
    shop: DatabaseShop,
    model: str,
    action: str,
    keys: list[str],
    more: dict[str, str],
) -> None:
    form = {"action": action, ACTION_CHECKBOX_NAME: keys} | more
    answered(clerk.post(url(f"{model}_changelist"), form))
    shop.stored().require_sound()


@patiently
@given(
    model=st.sampled_from(MODELS),
    query=st.dictionaries(
        st.sampled_from(PARAMETERS),
        st.one_of(numbers, dates),
    ),
)
def test_asking_a_list(clerk: Client, model: str, query: dict[str, str]) -> None:
    answered(clerk.get(url(f"{model}_changelist", **query)))


@patiently
@given(name=st.sampled_from(["change", "quantity", "eta", "reallocate", "history"]), key=texts)
def test_asking_for_a_batch(clerk: Client, name: str, key: str) -> None:
    answered(clerk.get(url(f"batch_{name}", key or "-")))
