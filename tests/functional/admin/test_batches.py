"""What clerks do to batches in the admin."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from allocation import bootstrap
from allocation.service_layer import services
from allocation.service_layer.services import UnknownBatch
from allocation.service_layer.unit_of_work import AbstractUnitOfWork
from allocation.uow import ConflictError
from tests.conftest import Fetch
from tests.factories import BatchFactory
from tests.functional.admin.conftest import SignIn
from tests.functional.admin.pages import act, errors, hidden, told, url
from tests.integration.shop import DatabaseShop
from tests.unit.services_contract import JULY, JUNE

# What a form has seen of a batch of 10 with three lines on it, and of an empty one due in June.
FULL = {"seen_qty": "10", "seen_eta": "", "seen_allocated": "10", "seen_lines_taken": "3"}
EMPTY = FULL | {"seen_eta": "2026-06-01", "seen_allocated": "0", "seen_lines_taken": "0"}

HISTORY = "SELECT actor, service, event, batch, orderid FROM allocation_historyentry ORDER BY id"


class TestABatch:
    def test_shows_its_numbers_and_lets_nobody_edit_them(
        self, alias: str, sign_in: SignIn, shop: DatabaseShop
    ) -> None:
        shop.add("STOCK", "LAMP", 5)
        root = sign_in("root")
        page = url("batch_change", "STOCK")

        assertContains(root.get(page), '<div class="readonly">5</div>', html=True)
        assertNotContains(root.get(page), 'name="purchased_quantity"')
        assert root.post(page, {"purchased_quantity": 9}).status_code == 403
        assert root.post(url("batch_delete", "STOCK"), {"post": "yes"}).status_code == 403
        assert shop.stored().batches == {"STOCK": (5, 0)}

    def test_leads_to_its_lines_and_its_history(self, clerk: Client, shop: DatabaseShop) -> None:
        """Whatever stands in its reference."""
        name = 'a/b?c=d&e _2F "<i>'
        shop.add(name, "LAMP", 5)
        shop.order(("o1", "LAMP", 2))

        response = clerk.get(url("batch_change", name))
        assertContains(response, "a/b?c=d&amp;e _2F &quot;&lt;i&gt;")
        [lines] = re.findall(
            r'href="([^"]*batch=[^"]*)">Order lines</a>', response.content.decode()
        )
        assertContains(clerk.get(lines), "o1")
        assertContains(clerk.get(url("orderline_changelist", batch="other")), "0 order lines")
        history = url("historyentry_changelist", batch=name)
        assertRedirects(clerk.get(url("batch_history", name)), history)

    def test_that_is_not_there_is_not_found(self, clerk: Client) -> None:
        for name in ("quantity", "eta", "reallocate", "history"):
            assert clerk.get(url(f"batch_{name}", "NONE")).status_code == 404
            assert clerk.get(url(f"batch_{name}", "\0")).status_code == 404
        assertRedirects(clerk.get(url("batch_change", "NONE")), reverse("admin:index"))


class TestAdding:
    def test_takes_a_batch_into_stock(
        self, alias: str, clerk: Client, shop: DatabaseShop, fetch: Fetch
    ) -> None:
        form = {"reference": " SHIP ", "sku": "LAMP", "qty": "5", "eta": "2026-06-01"}
        response = clerk.post(url("batch_add"), form, follow=True)

        assertRedirects(response, url("batch_changelist"))
        assert told(response) == ["success: Batch SHIP is in stock now."]
        assert shop.stored().batches == {"SHIP": (5, 0)}
        assert shop.etas() == {"SHIP": JUNE}
        assert fetch(alias, HISTORY) == [("ann", "add_batch", "batch added", "SHIP", None)]

    def test_again_changes_nothing(self, clerk: Client, shop: DatabaseShop) -> None:
        shop.add("STOCK", "LAMP", 5)
        form = {"reference": "STOCK", "sku": "LAMP", "qty": "5", "eta": ""}
        response = clerk.post(url("batch_add"), form, follow=True)

        assert told(response) == ["success: Batch STOCK was there already: nothing changed."]
        assert shop.stored().batches == {"STOCK": (5, 0)}

    def test_of_a_known_reference_with_other_data_is_refused_at_the_reference(
        self, clerk: Client, shop: DatabaseShop
    ) -> None:
        shop.add("STOCK", "LAMP", 5)
        form = {"reference": "STOCK", "sku": "LAMP", "qty": "6", "eta": "2026-06-01"}
        response = clerk.post(url("batch_add"), form)

        assert list(errors(response)) == ["reference"]
        assertContains(response, "Batch STOCK is already there with 5 of LAMP in the warehouse")
        for typed in ('value="STOCK"', 'value="6"', 'value="2026-06-01"'):
            assertContains(response, typed)
        assert shop.stored().batches == {"STOCK": (5, 0)}

    def test_tells_at_each_field_what_is_wrong(self, clerk: Client, shop: DatabaseShop) -> None:
        form = {"reference": " ", "sku": "", "qty": "1.5", "eta": "2026-02-30"}
        response = clerk.post(url("batch_add"), form)

        assert errors(response) == {
            "reference": ["The reference must not be empty, not ' '."],
            "sku": ["This field is required."],
            "qty": ["The quantity must be a whole number of at least 1, not '1.5'."],
            "eta": ["The eta must be a date as YYYY-MM-DD, not '2026-02-30'."],
        }
        assertContains(response, 'value="1.5"')
        assert shop.stored().batches == {}


class TestChangingTheQuantity:
    @pytest.fixture(autouse=True)
    def stock(self, shop: DatabaseShop) -> None:
        shop.add("STOCK", "LAMP", 10)
        shop.order(("o1", "LAMP", 6), ("o2", "LAMP", 3), ("o3", "LAMP", 1))
        shop.add("SHIP", "LAMP", 2, JUNE)

    def test_shows_first_which_lines_lose_their_place_and_where_each_goes(
        self, clerk: Client, shop: DatabaseShop
    ) -> None:
        before = shop.stored()
        response = clerk.get(url("batch_quantity", "STOCK", qty=6))

        assertContains(response, "Lines that go to other batches: 1; that wait: 1.")
        for orderid, qty, place in [("o3", 1, "SHIP"), ("o2", 3, "waits as a backorder")]:
            assertContains(
                response,
                f'<tr><th scope="row">{orderid}</th><td>LAMP</td><td>{qty}</td>'
                f"<td>{place}</td></tr>",
                html=True,
            )
        assertNotContains(response, "o1")
        assert shop.stored() == before

    def test_shows_that_no_line_loses_its_place(self, clerk: Client) -> None:
        assertContains(clerk.get(url("batch_quantity", "STOCK", qty=11)), "No line loses its place")

    def test_leaves_out_lines_that_are_taken_off_for_a_larger_one_and_fit_again(
        self, clerk: Client, shop: DatabaseShop
    ) -> None:
        shop.add("SHELF", "SOFA", 10)
        shop.order(("s1", "SOFA", 4), ("s2", "SOFA", 5), ("s3", "SOFA", 1))
        response = clerk.get(url("batch_quantity", "SHELF", qty=5))

        assertContains(response, "Lines that go to other batches: 0; that wait: 1.")
        assertContains(response, '<th scope="row">s2</th>')
        assertNotContains(response, '<th scope="row">s3</th>')

    def test_names_so_many_lines_and_counts_the_others(
        self, clerk: Client, shop: DatabaseShop
    ) -> None:
        shop.add("BIG", "SOFA", 300)
        shop.order(*((f"s{n}", "SOFA", 1) for n in range(300)))
        response = clerk.get(url("batch_quantity", "BIG", qty=1))

        assertContains(response, "Lines that go to other batches: 0; that wait: 299.")
        assertContains(response, "waits as a backorder", 200)
        assertContains(response, "And 99 more.")

    def test_does_what_the_preview_showed(
        self, alias: str, clerk: Client, shop: DatabaseShop, fetch: Fetch
    ) -> None:
        preview = clerk.get(url("batch_quantity", "STOCK", qty=6))
        response = clerk.post(url("batch_quantity", "STOCK"), hidden(preview), follow=True)

        assertRedirects(response, url("batch_change", "STOCK"))
        [message] = told(response)
        assert message.startswith("success: Batch STOCK holds 6 now.")
        assert message.endswith("Lines that go to other batches: 1; that wait: 1.")
        stored = shop.stored()
        stored.require_sound()
        assert stored.batches == {"STOCK": (6, 6), "SHIP": (2, 1)}
        assert stored.lines["o2", "LAMP"] == (3, None)
        assert {row[:2] for row in fetch(alias, HISTORY)} == {("ann", "change_batch_quantity")}

    def test_tells_when_somebody_else_was_faster_and_keeps_what_was_typed(
        self, clerk: Client, shop: DatabaseShop
    ) -> None:
        mine = hidden(clerk.get(url("batch_quantity", "STOCK", qty=6)))
        theirs = hidden(clerk.get(url("batch_quantity", "STOCK", qty=20)))
        clerk.post(url("batch_quantity", "STOCK"), theirs)
        response = clerk.post(url("batch_quantity", "STOCK"), mine)

        [error] = errors(response)["__all__"]
        assert error.startswith("Somebody else has changed batch STOCK meanwhile: it has 20 of")
        assertContains(response, 'value="6"')
        assertContains(response, "Units of LAMP: 20. Allocated: 10.")
        assert shop.stored().batches["STOCK"] == (20, 10)

    def test_shows_anew_what_is_true_no_more(self, clerk: Client, shop: DatabaseShop) -> None:
        shop.add("SHELF", "SOFA", 10)
        shop.order(("s1", "SOFA", 4))
        preview = clerk.get(url("batch_quantity", "SHELF", qty=5))
        assertContains(preview, "No line loses its place.")
        shop.order(("s2", "SOFA", 5))
        response = clerk.post(url("batch_quantity", "SHELF"), hidden(preview))

        [error] = errors(response)["__all__"]
        assert "10 of SOFA in the warehouse now, and 9 of them are allocated" in error
        assertContains(response, error)
        assertContains(response, '<th scope="row">s2</th>')
        assert shop.stored().lines["s2", "SOFA"] == (5, "SHELF")
        # Who insists on it has seen what the page shows now.
        clerk.post(url("batch_quantity", "SHELF"), hidden(response))
        assert shop.stored().lines["s2", "SOFA"] == (5, None)

    def test_sent_twice_changes_it_once(self, clerk: Client, shop: DatabaseShop) -> None:
        form = hidden(clerk.get(url("batch_quantity", "STOCK", qty=6)))
        clerk.post(url("batch_quantity", "STOCK"), form)
        response = clerk.post(url("batch_quantity", "STOCK"), form, follow=True)

        assert told(response)[-1] == "success: Batch STOCK holds 6 now."

    def test_tells_when_others_are_always_faster(
        self, clerk: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise ConflictError

        monkeypatch.setattr(bootstrap, "run", refuse)
        monkeypatch.setattr(bootstrap, "rehearse", refuse)
        form = {"qty": "6"} | FULL
        for response in (
            clerk.get(url("batch_quantity", "STOCK", qty=6)),
            clerk.post(url("batch_quantity", "STOCK"), form),
        ):
            [error] = errors(response)["__all__"]
            assert error.startswith("Others were changing the same just now.")
            assertContains(response, 'value="6"')

    @pytest.mark.parametrize("qty", ["0", "-1", "x", "99999999999", "", "1_000"])
    def test_tells_what_is_wrong_with_the_quantity(
        self, clerk: Client, shop: DatabaseShop, qty: str
    ) -> None:
        before = shop.stored()
        for response in (
            clerk.get(url("batch_quantity", "STOCK", qty=qty)),
            clerk.post(url("batch_quantity", "STOCK"), {"qty": qty} | FULL),
        ):
            assert list(errors(response)) == ["qty"]
        assert shop.stored() == before

    def test_needs_to_know_what_was_seen(self, clerk: Client, shop: DatabaseShop) -> None:
        response = clerk.post(url("batch_quantity", "STOCK"), {"qty": "6"})

        [error] = errors(response)["__all__"]
        assert error.startswith("It cannot be told what you saw of this batch")
        assertContains(response, error)
        assertContains(response, '<th scope="row">o2</th>')
        assert shop.stored().batches["STOCK"] == (10, 10)
        clerk.post(url("batch_quantity", "STOCK"), hidden(response))
        assert shop.stored().batches["STOCK"] == (6, 6)


class TestChangingTheEta:
    @pytest.mark.parametrize(
        ("typed", "eta", "message"),
        [
            ("2026-07-01", JULY, "Batch SHIP is due 2026-07-01 now."),
            ("", None, "Batch SHIP is in the warehouse now."),
            ("2026-06-01", JUNE, "Batch SHIP is due 2026-06-01 already: nothing changed."),
        ],
    )
    def test_leaves_the_lines_where_they_are(
        self, clerk: Client, shop: DatabaseShop, typed: str, eta: date | None, message: str
    ) -> None:
        shop.add("SHIP", "LAMP", 10, JUNE)
        shop.order(("o1", "LAMP", 6))
        form = {"eta": typed} | EMPTY
        response = clerk.post(url("batch_eta", "SHIP"), form, follow=True)

        assertRedirects(response, url("batch_change", "SHIP"))
        assert told(response) == [f"success: {message}"]
        assert shop.etas() == {"SHIP": eta}
        assert shop.stored().lines == {("o1", "LAMP"): (6, "SHIP")}

    def test_tells_when_somebody_else_was_faster(self, clerk: Client, shop: DatabaseShop) -> None:
        shop.add("SHIP", "LAMP", 10, JULY)
        form = {"eta": "2026-08-01"} | EMPTY
        response = clerk.post(url("batch_eta", "SHIP"), form)

        [error] = errors(response)["__all__"]
        assert error.startswith("Somebody else has changed batch SHIP meanwhile")
        assert shop.etas() == {"SHIP": JULY}
        # Who insists on it has seen what the page shows now.
        clerk.post(url("batch_eta", "SHIP"), hidden(response) | {"eta": "2026-08-01"})
        assert shop.etas() == {"SHIP": date(2026, 8, 1)}

    def test_needs_to_know_what_was_seen(self, clerk: Client, shop: DatabaseShop) -> None:
        shop.add("SHIP", "LAMP", 10, JUNE)
        response = clerk.post(url("batch_eta", "SHIP"), {"eta": "2026-07-01"})

        [error] = errors(response)["__all__"]
        assertContains(response, error)
        assert shop.etas() == {"SHIP": JUNE}

    def test_tells_what_is_wrong_with_the_date(self, clerk: Client, shop: DatabaseShop) -> None:
        shop.add("SHIP", "LAMP", 10, JUNE)
        form = {"eta": "soon"} | EMPTY

        response = clerk.post(url("batch_eta", "SHIP"), form)

        assert errors(response) == {"eta": ["The eta must be a date as YYYY-MM-DD, not 'soon'."]}


class TestReallocatingTheLinesOfBatches:
    @pytest.fixture(autouse=True)
    def stock(self, shop: DatabaseShop) -> None:
        shop.add("LATE-1", "LAMP", 10, JUNE)
        shop.add("LATE-2", "SOFA", 10, JUNE)
        shop.order(("o1", "LAMP", 6), ("o2", "LAMP", 4), ("o3", "SOFA", 5))
        shop.add("STOCK", "LAMP", 7)
        shop.add("MORE", "SOFA", 5)

    def test_asks_first(self, clerk: Client, shop: DatabaseShop) -> None:
        before = shop.stored()
        response = act(clerk, "batch", "reallocate_lines", "LATE-1", "LATE-2")

        assertContains(response, "Reallocate the lines")
        for reference in ("LATE-1", "LATE-2"):
            assertContains(
                response,
                f'<input type="hidden" name="_selected_action" value="{reference}">',
                html=True,
            )
        assert shop.stored() == before

    def test_tells_of_each_batch_what_moved_and_what_stays(
        self, alias: str, clerk: Client, shop: DatabaseShop, fetch: Fetch
    ) -> None:
        response = act(
            clerk, "batch", "reallocate_lines", "LATE-1", "LATE-2", "STOCK", confirmed="yes"
        )

        assertRedirects(response, url("batch_changelist"))
        warning, success = told(response)
        assert warning.startswith("warning: LATE-1: lines that moved: 1; that stay")
        assert warning.endswith("elsewhere: 1.")
        assert re.findall(r"([\w-]+): lines that moved: (\d)", success) == [
            ("LATE-2", "1"),
            ("STOCK", "1"),
        ]
        stored = shop.stored()
        stored.require_sound()
        assert stored.lines["o3", "SOFA"] == (5, "MORE")
        assert {row[:3] for row in fetch(alias, HISTORY)} == {("ann", "reallocate_batch", "moved")}

    def test_goes_on_when_there_is_something_against_one(
        self, clerk: Client, shop: DatabaseShop, monkeypatch: pytest.MonkeyPatch
    ) -> None:

        def reallocate_batch(ref: str, uow: AbstractUnitOfWork) -> Any:
            if ref == "LATE-2":  # removed since it was selected
                raise UnknownBatch(ref)
            return really(ref, uow)

        really = services.reallocate_batch
        monkeypatch.setattr(services, "reallocate_batch", reallocate_batch)
        response = act(clerk, "batch", "reallocate_lines", "LATE-2", "STOCK", confirmed="yes")

        assert told(response)[0] == "error: LATE-2: There is no batch LATE-2."
        assert told(response)[1].startswith("success: STOCK:")

    def test_is_asked_for_on_the_page_of_one_batch_too(self, clerk: Client) -> None:
        assertContains(clerk.get(url("batch_change", "LATE-1")), url("batch_reallocate", "LATE-1"))
        response = clerk.get(url("batch_reallocate", "LATE-1"))

        assertContains(response, f'action="{url("batch_changelist")}"')
        assertContains(response, 'name="_selected_action" value="LATE-1"')

    def test_refuses_more_than_a_hundred(
        self, alias: str, clerk: Client, shop: DatabaseShop
    ) -> None:
        for n in range(98):
            BatchFactory(using=alias, reference=f"b{n}")
        response = act(clerk, "batch", "reallocate_lines", "LATE-1", select_across="1")

        assert told(response) == ["error: Select at most 100 batches at a time."]
        assert shop.stored().lines["o1", "LAMP"] == (6, "LATE-1")
