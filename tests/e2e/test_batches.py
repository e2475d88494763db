"""A clerk at the batches."""

from __future__ import annotations

import re
from datetime import date

from playwright.sync_api import Page, expect

from tests.e2e.hands import (
    expect_messages,
    field,
    fill,
    follow,
    heading,
    press,
    rows,
)
from tests.e2e.looking import look
from tests.integration.shop import DatabaseShop

LATE, JUNE, JULY = date(2020, 1, 31), date(2130, 6, 1), date(2130, 7, 1)


class TestAddingABatch:
    def test_keeps_what_was_typed_until_it_is_right(
        self, clerk_page: Page, shop: DatabaseShop
    ) -> None:
        clerk_page.goto("/batches/")
        follow(clerk_page, "Add a batch")
        typed = {"Reference": "SHIP-1", "SKU": "LAMP", "Units": "a dozen", "ETA": "2130-06-01"}
        fill(clerk_page, typed)
        press(clerk_page, "Add the batch")

        expect(field(clerk_page, "Units")).to_have_accessible_description(
            "The quantity must be a whole number of at least 1, not 'a dozen'."
        )
        for label, value in typed.items():
            expect(field(clerk_page, label)).to_have_value(value)
        look(clerk_page, "add-batch-wrong")
        assert shop.stored().batches == {}

        fill(clerk_page, {"Units": "12"})
        press(clerk_page, "Add the batch")

        expect_messages(clerk_page, "Batch SHIP-1 is in stock now.")
        assert heading(clerk_page) == "Batch SHIP-1"
        look(clerk_page, "add-batch-done")
        assert shop.stored().batches == {"SHIP-1": (12, 0)}
        assert shop.etas() == {"SHIP-1": JUNE}

    def test_is_told_in_the_history_with_the_name_of_the_clerk(
        self, clerk_page: Page, shop: DatabaseShop
    ) -> None:
        clerk_page.goto("/batches/add/")
        fill(clerk_page, {"Reference": "STOCK", "SKU": "LAMP", "Units": "12"})
        press(clerk_page, "Add the batch")
        expect_messages(clerk_page, "Batch STOCK is in stock now.")

        [[_, who, what, *_]] = rows(clerk_page, "History")
        assert (who, what) == ("clerk", "batch added")

    def test_sent_again_after_going_back_changes_nothing(
        self, clerk_page: Page, shop: DatabaseShop
    ) -> None:
        clerk_page.goto("/batches/add/")
        fill(clerk_page, {"Reference": "STOCK", "SKU": "LAMP", "Units": "12"})
        press(clerk_page, "Add the batch")
        expect_messages(clerk_page, "Batch STOCK is in stock now.")
        clerk_page.go_back()
        expect(field(clerk_page, "Reference")).to_have_value("STOCK")
        press(clerk_page, "Add the batch")

        expect_messages(clerk_page, "Batch STOCK was there already: nothing changed.")
        assert len(rows(clerk_page, "History")) == 1
        assert shop.stored().batches == {"STOCK": (12, 0)}


class TestShrinkingABatch:
    def test_shows_first_what_becomes_of_each_line(
        self, clerk_page: Page, shop: DatabaseShop
    ) -> None:
        shop.add("STOCK", "LAMP", 20)
        shop.order(*[(f"o{number}", "LAMP", 5) for number in range(1, 5)])
        shop.add("SHIP", "LAMP", 10, JUNE)
        before = shop.stored()
        clerk_page.goto("/batch/STOCK/")
        follow(clerk_page, "Change the quantity")
        fill(clerk_page, {"Units": "8"})
        press(clerk_page, "Show what would happen")

        expect(clerk_page.get_by_text("3 lines would lose their place")).to_be_visible()
        preview = rows(clerk_page, "Lines")
        assert preview == [
            ["o4", "5", "SHIP"],
            ["o3", "5", "SHIP"],
            ["o2", "5", "waits as a backorder"],
        ]
        look(clerk_page, "shrink-preview")
        assert shop.stored() == before

        press(clerk_page, "Change it to 8 units")

        expect_messages(
            clerk_page,
            "Batch STOCK holds 8 units now. Lines that went elsewhere: 2; that wait now: 1.",
        )
        look(clerk_page, "shrink-done")
        assert shop.stored().batches == {"STOCK": (8, 5), "SHIP": (10, 10)}
        assert {order: batch for (order, _), (_, batch) in shop.stored().lines.items()} == {
            "o1": "STOCK",
            "o2": None,
            "o3": "SHIP",
            "o4": "SHIP",
        }

    def test_is_refused_to_the_second_of_two_clerks(
        self, clerk_page: Page, other_clerk_page: Page, shop: DatabaseShop
    ) -> None:
        shop.add("STOCK", "LAMP", 20)
        for page, quantity in [(clerk_page, "8"), (other_clerk_page, "5")]:
            page.goto("/batch/STOCK/quantity/")
            fill(page, {"Units": quantity})
            press(page, "Show what would happen")
            expect(page.get_by_text("No line would lose its place.")).to_be_visible()
        press(clerk_page, "Change it to 8 units")
        expect_messages(clerk_page, "Batch STOCK holds 8 units now.")
        press(other_clerk_page, "Change it to 5 units")

        expect(other_clerk_page.get_by_role("main")).to_contain_text(
            "Somebody else has changed batch STOCK meanwhile: it has 8 of LAMP in the warehouse "
            "now, and 0 of them are allocated. Look at it again before you change it."
        )
        look(other_clerk_page, "shrink-second-clerk")
        assert shop.stored().batches == {"STOCK": (8, 0)}

        press(other_clerk_page, "Change it to 5 units")

        expect_messages(other_clerk_page, "Batch STOCK holds 5 units now.")
        assert shop.stored().batches == {"STOCK": (5, 0)}


class TestLateBatch:
    def test_is_given_another_eta_and_keeps_its_lines(
        self, clerk_page: Page, shop: DatabaseShop
    ) -> None:
        shop.add("SHIP", "LAMP", 20, LATE)
        shop.order(("o1", "LAMP", 5))
        clerk_page.goto("/")
        clerk_page.get_by_role("link", name="1 batch", exact=True).click()
        follow(clerk_page, "SHIP")
        follow(clerk_page, "Change the ETA")
        expect(field(clerk_page, "ETA")).to_have_value("2020-01-31")
        fill(clerk_page, {"ETA": "2130-06-01"})
        press(clerk_page, "Change the ETA")

        expect_messages(clerk_page, "Batch SHIP is due 2130-06-01.")
        assert shop.etas() == {"SHIP": JUNE}
        assert shop.stored().lines == {("o1", "LAMP"): (5, "SHIP")}

    def test_that_a_second_clerk_changes_too_stays_as_the_first_one_left_it(
        self, clerk_page: Page, other_clerk_page: Page, shop: DatabaseShop
    ) -> None:
        shop.add("SHIP", "LAMP", 20, LATE)
        for page, eta in [(clerk_page, "2130-06-01"), (other_clerk_page, "2130-07-01")]:
            page.goto("/batch/SHIP/eta/")
            fill(page, {"ETA": eta})
        press(clerk_page, "Change the ETA")
        expect_messages(clerk_page, "Batch SHIP is due 2130-06-01.")
        press(other_clerk_page, "Change the ETA")

        expect(other_clerk_page.get_by_role("main")).to_contain_text(
            "Somebody else has changed batch SHIP meanwhile"
        )
        expect(field(other_clerk_page, "ETA")).to_have_value("2130-07-01")
        look(other_clerk_page, "eta-second-clerk")
        assert shop.etas() == {"SHIP": JUNE}

    def test_has_its_lines_moved_where_there_is_room(
        self, clerk_page: Page, shop: DatabaseShop
    ) -> None:
        shop.add("LATE", "LAMP", 20, LATE)
        shop.order(("o1", "LAMP", 5), ("o2", "LAMP", 9))
        shop.add("SHIP", "LAMP", 8, JUNE)
        clerk_page.goto("/batch/LATE/")
        follow(clerk_page, "Move its lines elsewhere")
        press(clerk_page, "Move its lines")

        expect_messages(clerk_page, "Lines moved off batch LATE: 1. Left on it: 1.")
        assert [row[0] for row in rows(clerk_page, "Order lines")] == ["o2"]
        look(clerk_page, "moved-lines")
        assert shop.stored().batches == {"LATE": (20, 9), "SHIP": (8, 5)}


def test_batches_are_found_by_how_they_begin_and_by_state(
    clerk_page: Page, shop: DatabaseShop
) -> None:
    shop.add("STOCK-LAMP", "LAMP", 20)
    shop.add("STOCK-SOFA", "SOFA", 20)
    shop.add("SHIP-SOFA", "SOFA", 20, JULY)
    clerk_page.goto("/batches/")
    fill(clerk_page, {"Reference or SKU begins with": "SO"})
    field(clerk_page, "State").select_option("on its way")
    press(clerk_page, "Search")
    expect(clerk_page).to_have_url(re.compile("state=way"))

    assert [row[0] for row in rows(clerk_page, "Batches")] == ["SHIP-SOFA"]
    expect(field(clerk_page, "Reference or SKU begins with")).to_have_value("SO")
