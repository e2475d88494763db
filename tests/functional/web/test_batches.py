"""The pages of batches."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone

from allocation import bootstrap
from allocation.models import Batch
from tests.functional.web.conftest import LOOKS, Site, errors, refuse
from tests.support.html import inputs, rows, text

JUNE, JULY = date(2030, 6, 1), date(2030, 7, 1)

# What a form has seen of a batch of 10 without lines.
EMPTY = {"seen_qty": "10", "seen_allocated": "0", "seen_lines_taken": "0"}


@LOOKS
class TestBatchList:
    @pytest.fixture
    def full_site(self, site: Site) -> Site:
        today = timezone.localdate()
        site.add("now", "LAMP", 10)
        site.add("late", "LAMP", 10, today - timedelta(days=1))
        site.add("today", "SOFA", 10, today)
        site.add("soon", "SOFA", 5, today + timedelta(days=1))
        site.order(("o1", "LAMP", 10), ("o2", "LAMP", 9), ("o3", "SOFA", 7))
        return site

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, ["late", "now", "soon", "today"]),
            ({"state": "warehouse"}, ["now"]),
            ({"state": "way"}, ["late", "soon", "today"]),
            ({"state": "late"}, ["late"]),
            ({"state": "full"}, ["now"]),
            ({"state": "low"}, ["late"]),
            ({"state": "nonsense"}, ["late", "now", "soon", "today"]),
            ({"q": "SO"}, ["soon", "today"]),
            ({"q": "%"}, []),
            ({"q": "\x00"}, ["late", "now", "soon", "today"]),
            ({"q": "SO", "state": "late"}, []),
            ({"sort": "-reference"}, ["today", "soon", "now", "late"]),
            ({"sort": "sku"}, ["late", "now", "soon", "today"]),
            ({"sort": "-sku"}, ["today", "soon", "now", "late"]),
            ({"sort": "eta"}, ["late", "today", "soon", "now"]),
            ({"sort": "-eta"}, ["now", "soon", "today", "late"]),
            ({"sort": "free_quantity"}, ["now", "late", "today", "soon"]),
            ({"sort": "-free_quantity"}, ["soon", "today", "late", "now"]),
            ({"sort": "lines_taken"}, ["late", "now", "soon", "today"]),
        ],
    )
    def test_shows_those_that_were_asked_for(
        self, full_site: Site, query: dict[str, str], found: list[str]
    ) -> None:
        assert [row[0] for row in rows(full_site.get("batches", **query))] == found

    def test_keeps_what_was_asked_for(self, full_site: Site) -> None:
        assert inputs(full_site.get("batches", q="SO")) == {"q": "SO"}

    def test_says_so_when_there_is_none(self, site: Site) -> None:
        assert "There is no batch yet." in text(site.get("batches"))
        assert "No batch is like that." in text(site.get("batches", state="full"))


@LOOKS
class TestBatchPage:
    def test_shows_its_lines_the_last_allocated_first(self, site: Site) -> None:
        site.add("b1", "LAMP", 10)
        site.order(("o1", "LAMP", 2), ("o2", "LAMP", 3))

        page = site.get("batch", "b1")

        assert [row[:2] for row in rows(page)] == [["o2", "3"], ["o1", "2"]]
        assert "5 of 10 units are allocated, 5 are free" in text(page)

    def test_shows_what_happened_to_it(self, site: Site) -> None:
        site.post("add_batch", reference="b1", sku="LAMP", qty="5")
        site.post("allocate_line", orderid="o1", sku="LAMP", qty="2")

        [_, newest, oldest] = rows(site.get("batch", "b1"))

        assert newest[1:] == ["ann", "allocated", "o1", "LAMP", "b1", "2 units", "allocate"]
        assert oldest[1:3] == ["ann", "batch added"]

    @pytest.mark.parametrize("reference", ["b2", "a/b", "../b1", "é", "b1 b1"])
    def test_is_not_there_for_what_nobody_has_heard_of(self, site: Site, reference: str) -> None:
        site.add("b1", "LAMP", 10)
        assert site.get("batch", reference).status_code == 404


class TestAddBatch:
    def test_takes_a_batch_into_stock(self, site: Site) -> None:
        page = site.post("add_batch", reference=" b1 ", sku="LAMP", qty="5", eta="2030-06-01")

        assert page.redirect_chain == [("/batch/b1/", 302)]
        assert "Batch b1 is in stock now." in text(page)
        assert site.stored().batches == {"b1": (5, 0)}
        assert site.etas() == {"b1": JUNE}
        assert site.history() == [("ann", "add_batch", "batch added", "b1", None, None, "LAMP")]

    def test_sent_twice_adds_it_once(self, site: Site) -> None:
        form = {"reference": "b1", "sku": "LAMP", "qty": "5", "eta": ""}
        site.post("add_batch", **form)

        page = site.post("add_batch", **form)

        assert "Batch b1 was there already: nothing changed." in text(page)
        assert len(site.history()) == 1


@LOOKS
class TestAddBatchForm:
    @pytest.mark.parametrize(
        ("field", "typed", "error"),
        [
            ("reference", "", "This field is required."),
            ("reference", "   ", "The reference must not be empty, not '   '."),
            ("reference", "a\tb", "The reference must not contain control characters"),
            ("reference", "a\x00b", "Null characters are not allowed."),
            ("reference", "x" * 256, "The reference must have at most 255 characters"),
            ("sku", "", "This field is required."),
            ("qty", "", "This field is required."),
            ("qty", "0", "The quantity must be a whole number of at least 1, not 0."),
            ("qty", "-3", "The quantity must be a whole number of at least 1, not -3."),
            ("qty", "1.5", "The quantity must be a whole number of at least 1, not '1.5'."),
            ("qty", "2147483648", "The quantity must be at most 2147483647"),
            ("eta", "tomorrow", "The eta must be a date as YYYY-MM-DD, not 'tomorrow'."),
            ("eta", "2030-02-30", "The eta must be a date as YYYY-MM-DD"),
        ],
    )
    def test_says_beside_the_field_what_is_wrong_and_keeps_all(
        self, site: Site, field: str, typed: str, error: str
    ) -> None:
        form = {"reference": "b1", "sku": "LAMP", "qty": "5", "eta": "2030-06-01"} | {field: typed}

        page = site.post("add_batch", **form)

        assert page.status_code == 200
        [(wrong, [message])] = errors(page).items()
        assert wrong == field
        assert message.startswith(error)
        assert inputs(page) == form
        assert not Batch.objects.exists()

    def test_refuses_a_reference_that_is_known_with_other_data(self, site: Site) -> None:
        site.add("b1", "LAMP", 10)

        page = site.post("add_batch", reference="b1", sku="LAMP", qty="5")

        [message] = errors(page)["reference"]
        assert message.startswith("Batch b1 is already there with 10 of LAMP in the warehouse")
        assert inputs(page)["qty"] == "5"

    def test_asks_to_send_it_again_where_others_are_always_first(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bootstrap, "run", refuse)
        form = {"reference": "b1", "sku": "LAMP", "qty": "5", "eta": ""}

        page = site.post("add_batch", **form)

        assert errors(page) == {
            "__all__": ["Others were changing the same just now. Please send it again."]
        }
        assert inputs(page) == form

    def test_can_be_opened_for_a_sku(self, site: Site) -> None:
        assert inputs(site.get("add_batch", sku="LAMP"))["sku"] == "LAMP"


class TestChangeQuantity:
    @pytest.fixture(autouse=True)
    def batches(self, site: Site) -> None:
        site.add("b1", "LAMP", 10)
        site.add("b2", "LAMP", 3, JUNE)
        site.order(("o1", "LAMP", 4), ("o2", "LAMP", 3), ("o3", "LAMP", 1))

    def test_shows_first_which_lines_would_go_where(self, site: Site) -> None:
        before = site.stored()

        page = site.get("change_quantity", "b1", qty="3")

        assert rows(page) == [
            ["o2", "3", "b2"],
            ["o1", "4", "waits as a backorder"],
        ]
        assert "2 lines would lose their place: 1 would go to batch b2" in text(page)
        assert "1 would wait as a backorder" in text(page)
        assert site.stored() == before
        assert site.history() == []

    def test_says_so_when_no_line_would_lose_its_place(self, site: Site) -> None:
        page = site.get("change_quantity", "b1", qty="12")
        assert "No line would lose its place." in text(page)

    def test_does_what_was_shown(self, site: Site) -> None:
        shown = site.get("change_quantity", "b1", qty="3")

        page = site.post("change_quantity", "b1", **inputs(shown))

        assert page.redirect_chain == [("/batch/b1/", 302)]
        assert (
            "Batch b1 holds 3 units now. Lines that went elsewhere: 1; that wait now: 1."
            in text(page)
        )
        assert site.stored().batches == {"b1": (3, 1), "b2": (3, 3)}
        assert site.stored().lines == {
            ("o1", "LAMP"): (4, None),
            ("o2", "LAMP"): (3, "b2"),
            ("o3", "LAMP"): (1, "b1"),
        }

    def test_sent_twice_is_done_once(self, site: Site) -> None:
        shown = inputs(site.get("change_quantity", "b1", qty="3"))
        site.post("change_quantity", "b1", **shown)
        once = site.stored(), site.history()

        page = site.post("change_quantity", "b1", **shown)

        assert "Batch b1 holds 3 units now." in text(page)
        assert (site.stored(), site.history()) == once

    def test_refuses_what_was_decided_on_an_old_quantity(self, site: Site) -> None:
        shown = inputs(site.get("change_quantity", "b1", qty="3"))
        site.post("change_quantity", "b1", **inputs(site.get("change_quantity", "b1", qty="20")))
        before = site.stored()

        page = site.post("change_quantity", "b1", **shown)

        [message] = errors(page)["__all__"]
        assert message.startswith("Somebody else has changed batch b1 meanwhile: it has 20 of LAMP")
        assert message in text(page)
        assert site.stored() == before

    def test_shows_anew_what_is_true_no_more(self, site: Site) -> None:
        shown = site.get("change_quantity", "b1", qty="8")
        assert "No line would lose its place." in text(shown)
        site.order(("o4", "LAMP", 2))
        before = site.stored()

        page = site.post("change_quantity", "b1", **inputs(shown))

        [message] = errors(page)["__all__"]
        assert "10 of LAMP in the warehouse now, and 10 of them are allocated" in message
        assert message in text(page)
        assert rows(page) == [["o4", "2", "b2"]]
        assert site.stored() == before
        assert inputs(page)["qty"] == "8"

    def test_may_be_sent_again_by_who_has_seen_the_new_preview(self, site: Site) -> None:
        shown = inputs(site.get("change_quantity", "b1", qty="8"))
        site.order(("o4", "LAMP", 2))
        refused = site.post("change_quantity", "b1", **shown)

        page = site.post("change_quantity", "b1", **inputs(refused))

        assert "Lines that went elsewhere: 1" in text(page)
        assert site.stored().batches == {"b1": (8, 8), "b2": (3, 2)}

    def test_minds_no_other_lines_where_all_of_them_fit(self, site: Site) -> None:
        shown = inputs(site.get("change_quantity", "b1", qty="12"))
        site.order(("o4", "LAMP", 1))

        page = site.post("change_quantity", "b1", **shown)

        assert "Batch b1 holds 12 units now." in text(page)


@LOOKS
class TestQuantityForm:
    @pytest.mark.parametrize("typed", ["", "0", "x", "2147483648", "1e3", "<b>"])
    def test_says_what_is_wrong_and_keeps_it(self, site: Site, typed: str) -> None:
        site.add("b1", "LAMP", 10)
        for page in (
            site.get("change_quantity", "b1", qty=typed),
            site.post("change_quantity", "b1", qty=typed, **EMPTY),
        ):
            assert list(errors(page)) == ["qty"]
            assert errors(page)["qty"][0] in text(page)
            assert inputs(page)["qty"] == typed

    @pytest.mark.parametrize(
        "seen", [{}, EMPTY | {"seen_lines_taken": ""}, EMPTY | {"seen_allocated": "9" * 5000}]
    )
    def test_needs_to_know_what_was_seen(self, site: Site, seen: dict[str, str]) -> None:
        site.add("b1", "LAMP", 10)
        before = site.stored()

        page = site.post("change_quantity", "b1", qty="5", **seen)

        [message] = errors(page)["__all__"]
        assert message.startswith("It cannot be told what you saw of this batch")
        assert message in text(page)
        assert "No line would lose its place." in text(page)
        assert site.stored() == before
        assert inputs(page) == {"qty": "5", "seen_eta": ""} | EMPTY

    def test_asks_to_send_it_again_where_others_are_always_first(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site.add("b1", "LAMP", 10)
        monkeypatch.setattr(bootstrap, "rehearse", refuse)

        page = site.get("change_quantity", "b1", qty="5")

        assert "Others were changing the same just now. Please send it again." in text(page)
        assert inputs(page)["qty"] == "5"

    def test_shows_no_more_lines_than_a_page_can_bear(self, site: Site) -> None:
        site.add("large", "PEN", 501)
        site.order(*((f"o{n}", "PEN", 1) for n in range(501)))

        page = site.get("change_quantity", "large", qty="1")

        assert len(rows(page)) == 500
        assert "500 would wait as backorders" in text(page)


class TestChangeEta:
    @pytest.fixture(autouse=True)
    def batches(self, site: Site) -> None:
        site.add("b1", "LAMP", 10, JUNE)
        site.order(("o1", "LAMP", 4))

    def test_says_that_it_is_late(self, site: Site) -> None:
        form = inputs(site.get("change_eta", "b1"))
        assert form["eta"] == "2030-06-01"

        page = site.post("change_eta", "b1", **form | {"eta": "2030-07-01"})

        assert "Batch b1 is due 2030-07-01." in text(page)
        assert site.etas() == {"b1": JULY}
        assert site.stored().lines == {("o1", "LAMP"): (4, "b1")}
        assert [entry[:4] for entry in site.history()] == [
            ("ann", "change_batch_eta", "ETA changed", "b1")
        ]

    def test_says_that_it_has_arrived(self, site: Site) -> None:
        page = site.post("change_eta", "b1", **inputs(site.get("change_eta", "b1")) | {"eta": ""})

        assert "Batch b1 is in the warehouse." in text(page)
        assert site.etas() == {"b1": None}

    def test_sent_twice_is_done_once(self, site: Site) -> None:
        form = inputs(site.get("change_eta", "b1")) | {"eta": "2030-07-01"}
        site.post("change_eta", "b1", **form)

        page = site.post("change_eta", "b1", **form)

        assert "Batch b1 is due 2030-07-01 already: nothing changed." in text(page)
        assert len(site.history()) == 1

    def test_refuses_what_was_decided_on_an_old_eta(self, site: Site) -> None:
        form = inputs(site.get("change_eta", "b1"))
        site.post("change_eta", "b1", **form | {"eta": ""})

        page = site.post("change_eta", "b1", **form | {"eta": "2030-07-01"})

        assert "Somebody else has changed batch b1 meanwhile" in text(page)
        assert inputs(page)["eta"] == "2030-07-01"
        assert site.etas() == {"b1": None}

    def test_may_be_sent_again_by_who_has_seen_the_new_eta(self, site: Site) -> None:
        form = inputs(site.get("change_eta", "b1"))
        site.post("change_eta", "b1", **form | {"eta": ""})
        refused = site.post("change_eta", "b1", **form | {"eta": "2030-07-01"})

        page = site.post("change_eta", "b1", **inputs(refused))

        assert "Batch b1 is due 2030-07-01." in text(page)
        assert site.etas() == {"b1": JULY}

    def test_needs_to_know_what_was_seen(self, site: Site) -> None:
        page = site.post("change_eta", "b1", eta="2030-07-01")

        [message] = errors(page)["__all__"]
        assert message in text(page)
        assert "Hidden field" not in text(page)
        assert site.etas() == {"b1": JUNE}

    def test_says_beside_the_field_what_is_no_date(self, site: Site) -> None:
        form = inputs(site.get("change_eta", "b1"))

        page = site.post("change_eta", "b1", **form | {"eta": "soon"})

        assert errors(page) == {"eta": ["The eta must be a date as YYYY-MM-DD, not 'soon'."]}
        assert inputs(page)["eta"] == "soon"


class TestReallocateBatch:
    @pytest.fixture(autouse=True)
    def batches(self, site: Site) -> None:
        site.add("late", "LAMP", 10, JUNE)
        site.order(("o1", "LAMP", 4), ("o2", "LAMP", 3))
        site.add("b2", "LAMP", 4, JULY)

    def test_moves_its_lines_to_where_there_is_room(self, site: Site) -> None:
        page = site.post("reallocate_batch", "late")

        assert "Lines moved off batch late: 1. Left on it: 1." in text(page)
        assert site.stored().lines == {("o1", "LAMP"): (4, "b2"), ("o2", "LAMP"): (3, "late")}
        assert site.history() == [("ann", "reallocate_batch", "moved", "b2", "late", "o1", "LAMP")]

    def test_sent_twice_is_done_once(self, site: Site) -> None:
        site.post("reallocate_batch", "late")
        once = site.stored()
        site.post("reallocate_batch", "late")

        assert site.stored() == once
        assert len(site.history()) == 1
