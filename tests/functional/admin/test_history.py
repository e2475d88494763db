"""The history in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from allocation.models import HistoryEntry
from tests.conftest import Fetch
from tests.functional.admin.conftest import SignIn
from tests.functional.admin.pages import rows, url

ROWS = "SELECT id, actor, event, detail FROM allocation_historyentry ORDER BY id"


@pytest.fixture
def history(alias: str) -> list[HistoryEntry]:
    """A batch is added, a line is allocated to it, and moves to another one."""
    entries: list[dict[str, Any]] = [
        {"event": "batch added", "batch": "A", "detail": "5 units, in the warehouse"},
        {"event": "allocated", "batch": "A", "orderid": "o<1>", "detail": "2 units"},
        {"event": "moved", "from_batch": "A", "batch": "B", "orderid": "o<1>", "detail": "2 units"},
        {"event": "batch added", "batch": "C", "detail": "5 units, in the warehouse"},
    ]
    made = [HistoryEntry(actor="ann", service="test", sku="LAMP", **entry) for entry in entries]
    HistoryEntry.objects.using(alias).bulk_create(made)
    return made


class TestTheHistory:
    def test_tells_who_did_what_to_what(self, viewer: Client, history: list[HistoryEntry]) -> None:
        response = viewer.get(url("historyentry_changelist", batch="B"))

        assertContains(response, '<td class="field-actor">ann</td>')
        assertContains(response, '<td class="field-what">moved, 2 units</td>')
        assertContains(
            response, f'<a href="{url("orderline_changelist", order="o<1>")}">o&lt;1&gt;</a>'
        )
        batches = [f'<a href="{url("batch_change", name)}">{name}</a>' for name in "AB"]
        assertContains(response, " → ".join(batches))

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, [3, 2, 1, 0]),
            ({"batch": "A"}, [2, 1, 0]),
            ({"batch": "B"}, [2]),
            ({"order": "o<1>"}, [2, 1]),
            ({"q": "A"}, [2, 1, 0]),
            ({"q": "o<1>"}, [2, 1]),
            ({"q": "o"}, []),
        ],
    )
    def test_is_shown_the_newest_first_of_a_batch_or_an_order(
        self, viewer: Client, history: list[HistoryEntry], query: dict[str, str], found: list[int]
    ) -> None:
        response: Any = viewer.get(url("historyentry_changelist", **query))

        shown = [entry.pk for entry in response.context["cl"].result_list]
        assert shown == [history[n].pk for n in found]

    def test_of_an_entry_is_that_of_its_order_or_its_batch(
        self, viewer: Client, history: list[HistoryEntry]
    ) -> None:
        for entry, about in [(history[2], {"order": "o<1>"}), (history[0], {"batch": "A"})]:
            response = viewer.get(url("historyentry_history", entry.pk))
            assertRedirects(response, url("historyentry_changelist", **about))

    def test_is_for_reading(
        self, alias: str, sign_in: SignIn, history: list[HistoryEntry], fetch: Fetch
    ) -> None:
        """For everybody."""
        root, before = sign_in("root"), fetch(alias, ROWS)
        entry = history[0].pk
        for page in (
            url("historyentry_change", entry),
            url("historyentry_delete", entry),
            url("historyentry_add"),
        ):
            assert root.post(page, {"actor": "nobody", "post": "yes"}).status_code == 403
        assertNotContains(root.get(url("historyentry_changelist")), "delete_selected")
        assert len(rows(root, "historyentry")) == 4
        assert fetch(alias, ROWS) == before
