"""Pages of a list: see Note [Keyset paging]."""

from __future__ import annotations

from datetime import date

import pytest
from django.db.models import F, OrderBy, QuerySet
from django.http import QueryDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allocation.entrypoints.paging import Page, paginate
from allocation.models import Batch
from tests.factories import BatchFactory
from tests.integration.shop import DatabaseShop

ORDERS = [
    f"{falling}{column}"
    for column in ("reference", "sku", "eta", "free_quantity")
    for falling in ("", "-")
]

# Few values, so that many are equal; letters that databases sort in ways of their own.
names = st.text("aB-é", min_size=1, max_size=3)
lists_of_batches = st.lists(
    st.builds(
        Batch,
        reference=names,
        sku=names,
        purchased_quantity=st.integers(1, 3),
        eta=st.none() | st.sampled_from([date(2030, 1, 1), date(2030, 1, 2)]),
    ),
    max_size=12,
    unique_by=lambda batch: batch.reference,
)


class Book:
    """All pages of a list of batches."""

    def __init__(
        self, rows: QuerySet[Batch], order: str, *, nulls_first: bool = False, size: int = 2
    ) -> None:
        self.rows = rows
        self.order = order
        self.nulls_first = nulls_first
        self.size = size

    def open(self, query: str = "") -> Page[Batch]:
        return paginate(
            self.rows,
            self.order,
            QueryDict(query).dict(),
            nulls_first=self.nulls_first,
            size=self.size,
        )

    def pages(self) -> list[Page[Batch]]:
        """From the first one to the last."""
        pages = [self.open()]
        while query := pages[-1].next:
            pages.append(self.open(query))
            assert len(pages) < 50, "There is no end."
        return pages

    def pages_backwards(self) -> list[Page[Batch]]:
        """From the last one to the first."""
        pages = [self.pages()[-1]]
        while query := pages[-1].previous:
            pages.append(self.open(query))
            assert len(pages) < 50, "There is no end."
        return pages


def references(page: Page[Batch]) -> list[str]:
    return [batch.reference for batch in page]


def as_sorted_by_the_database(rows: QuerySet[Batch], order: str, *, nulls_first: bool) -> list[str]:
    falls = order.startswith("-")
    nulls = {"nulls_first": True} if nulls_first != falls else {"nulls_last": True}
    column = OrderBy(F(order.removeprefix("-")), descending=falls, **nulls)
    return [b.reference for b in rows.order_by(column, OrderBy(F("pk"), descending=falls))]


@pytest.mark.parametrize("order", ORDERS)
@given(rows=lists_of_batches, size=st.integers(1, 4), nulls_first=st.booleans())
@settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # emptied for each example
)
def test_every_row_is_on_one_page_and_all_are_in_order(
    shop: DatabaseShop, order: str, rows: list[Batch], size: int, nulls_first: bool
) -> None:
    shop.empty()
    stored = Batch.objects.using(shop.alias).all()
    stored.bulk_create(rows)
    book = Book(stored, order, nulls_first=nulls_first, size=size)

    pages = [references(page) for page in book.pages()]

    expected = as_sorted_by_the_database(stored, order, nulls_first=nulls_first)
    assert [reference for page in pages for reference in page] == expected
    assert all(len(page) == size for page in pages[:-1])
    assert [references(page) for page in book.pages_backwards()] == pages[::-1]


class TestPlace:
    @pytest.fixture
    def book(self, alias: str) -> Book:
        for reference in "abcdef":
            BatchFactory(using=alias, reference=reference)
        return Book(Batch.objects.using(alias).all(), "reference")

    def test_stays_where_it_is_when_rows_come_and_go(self, alias: str, book: Book) -> None:
        first = book.open()
        BatchFactory(using=alias, reference="aa")
        Batch.objects.using(alias).filter(reference="b").delete()

        second = book.open(first.next)

        assert references(first) == ["a", "b"]
        assert references(second) == ["c", "d"]
        assert references(book.open(second.previous)) == ["a", "aa"]

    def test_behind_the_last_row_leads_nowhere(self, alias: str, book: Book) -> None:
        place = book.open().next
        Batch.objects.using(alias).filter(reference__gt="b").delete()

        page = book.open(place)

        assert (page.rows, page.previous, page.next) == ([], "", "")

    @pytest.mark.parametrize("place", ["", "x", "a:b", "\x00", "é", "\ud7ff", "W10=", "0" * 5000])
    @pytest.mark.parametrize("name", ["after", "before"])
    def test_that_makes_no_sense_is_the_first_page(self, book: Book, name: str, place: str) -> None:
        page = paginate(book.rows, "reference", {name: place}, size=2)
        assert references(page) == ["a", "b"]

    def test_in_another_order_is_the_first_page(self, book: Book) -> None:
        falling = Book(book.rows, "-reference")
        assert references(falling.open(book.open().next)) == ["f", "e"]

    def test_keeps_what_else_was_asked_for(self, book: Book) -> None:
        page = book.open("q=a+%26+b&state=full&after=nonsense")
        assert QueryDict(page.next).dict().keys() == {"q", "state", "after"}
        assert QueryDict(page.next)["q"] == "a & b"
