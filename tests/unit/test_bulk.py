"""The bulk use cases, on a unit of work in memory. What they store is shown in tests/functional."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocation.domain.model import Batch
from allocation.service_layer import bulk, services
from allocation.service_layer.bulk_reports import AllocationReport
from allocation.service_layer.csv_files import CsvFile, Reject, UnreadableFile
from allocation.service_layer.unit_of_work import AbstractUnitOfWork
from allocation.uow.testing import InMemoryDatabase
from tests.unit.in_memory import AllocationInMemory

T = TypeVar("T")


class Shop:
    """Runs use cases, and counts them."""

    def __init__(self, *batches: Batch) -> None:
        self.database = InMemoryDatabase()
        self.runs = 0
        self.rejects: list[Reject] = []
        if batches:
            self(lambda uow: services.add_batches(batches, uow))
            self.runs = 0

    def __call__(self, use_case: Callable[[AbstractUnitOfWork], T]) -> T:
        self.runs += 1
        return use_case(AllocationInMemory(self.database))

    def allocate(self, *rows: str, chunk_size: int | None = 100) -> AllocationReport:
        return bulk.allocate_orders(
            csv_file("orderid,sku,qty", *rows),
            self,
            reject=self.rejects.append,
            chunk_size=chunk_size,
        )


def csv_file(*rows: str) -> CsvFile:
    return CsvFile(io.BytesIO("\n".join(rows).encode()))


class TestChunks:
    @pytest.mark.parametrize(
        ("chunk_size", "progress"),
        [(2, [(2, 5), (4, 5), (5, 5)]), (5, [(5, 5)]), (100, [(5, 5)]), (None, [(5, 5)])],
    )
    def test_are_one_unit_of_work_each_and_reported_when_done(
        self, chunk_size: int | None, progress: list[tuple[int, int]]
    ) -> None:
        shop = Shop()
        told: list[tuple[int, int, int]] = []
        bulk.allocate_orders(
            csv_file("orderid,sku,qty", *(f"o{number},LAMP,1" for number in range(5))),
            shop,
            reject=shop.rejects.append,
            chunk_size=chunk_size,
            progress=lambda done, total: told.append((shop.runs, done, total)),
        )

        assert told == [(run, *done) for run, done in enumerate(progress, start=1)]

    def test_are_none_where_there_is_nothing_to_do(self) -> None:
        shop = Shop()
        shop.allocate()

        assert shop.runs == 0

    def test_are_none_where_the_file_cannot_be_read_to_its_end(self) -> None:
        shop = Shop()
        with pytest.raises(UnreadableFile):
            shop.allocate("o1,LAMP,1", "o2,\0,1", chunk_size=1)

        assert shop.runs == 0


class TestAllocateOrders:
    def test_counts_the_rows_of_a_conflict_as_rejected_and_none_as_merged(self) -> None:
        shop = Shop(Batch("STOCK", "LAMP", 10, None))
        shop.allocate("o1,LAMP,1")
        report = shop.allocate("o1,LAMP,2", "o1,LAMP,3", "o2,LAMP,1", "o2,LAMP,1")

        assert (report.read, report.rejected, report.conflicts) == (4, 2, 1)
        assert (report.merged, report.lines, report.allocated) == (1, 1, 1)
        assert [reject.row.number for reject in shop.rejects] == [2, 3]

    def test_changed_nothing_when_no_line_is_new_and_none_has_a_batch_now(self) -> None:
        shop = Shop(Batch("STOCK", "LAMP", 10, None))
        rows = ["o1,LAMP,6", "o2,LAMP,6", "o3,SOFA,1"]

        assert shop.allocate(*rows).changed
        assert not shop.allocate(*rows).changed

    def test_tells_where_every_line_went_that_is_not_rejected(self) -> None:
        shop = Shop(Batch("STOCK", "LAMP", 10, None))
        shop.allocate("o1,LAMP,1")
        told: list[tuple[str, str | None]] = []
        bulk.allocate_orders(
            csv_file("orderid,sku,qty", "o1,LAMP,2", "o2,LAMP,1", "o3,LAMP,x", "o4,SOFA,1"),
            shop,
            reject=shop.rejects.append,
            accept=lambda placement: told.append((placement.line.orderid, placement.reference)),
        )

        assert told == [("o2", "STOCK"), ("o4", None)]

    def test_counts_in_words_what_it_counts(self) -> None:
        shop = Shop(Batch("STOCK", "LAMP", 10, None))
        counts = shop.allocate("o1,LAMP,2", "o1,LAMP,1", "o2,SOFA,1", "o3,LAMP,x").counts()

        assert {count.label: count.number for count in counts if count.number} == {
            "rows read": 4,
            "merged with an earlier row": 1,
            "rejected": 1,
            "lines": 2,
            "allocated": 1,
            "backordered": 1,
            "waiting, of an unknown SKU": 1,
        }

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["o1", "o2", "o3"]),
                st.sampled_from(["LAMP", "SOFA", "CHAIR", ""]),
                st.sampled_from(["1", "2", "5", "0", "x"]),
            )
        ),
        st.lists(st.tuples(st.sampled_from(["o1", "o2"]), st.just("LAMP"), st.just("4"))),
        st.integers(1, 4),
    )
    def test_accounts_for_every_row_and_every_line(
        self, rows: list[tuple[str, ...]], before: list[tuple[str, ...]], chunk_size: int
    ) -> None:
        shop = Shop(Batch("STOCK", "LAMP", 6, None), Batch("SHIP", "SOFA", 3, None))
        shop.allocate(*map(",".join, before))
        shop.rejects.clear()
        report = shop.allocate(*map(",".join, rows), chunk_size=chunk_size)

        assert report.read == len(rows) == report.merged + report.rejected + report.lines
        assert report.rejected == len(shop.rejects)
        assert report.lines == (
            report.allocated + report.already_allocated + report.backordered + report.still_waiting
        )
        assert report.unknown_sku <= report.backordered + report.still_waiting


class TestImportBatches:
    @pytest.mark.parametrize("chunk_size", [1, None])
    def test_tells_of_every_batch_that_is_not_rejected_whether_it_is_new(
        self, chunk_size: int | None
    ) -> None:
        shop = Shop(Batch("b1", "LAMP", 10, None))
        told: list[tuple[str, bool]] = []
        report = bulk.import_batches(
            csv_file("reference,sku,qty,eta", "b1,LAMP,10,", "b2,LAMP,1,", "b2,LAMP,2,", "b3,,1,"),
            shop,
            reject=shop.rejects.append,
            accept=lambda batch, new: told.append((batch.reference, new)),
            chunk_size=chunk_size,
        )

        assert told == [("b1", False), ("b2", True)]
        assert report.changed
        assert {count.label: count.number for count in report.counts()} == {
            "rows read": 4,
            "added": 1,
            "unchanged": 1,
            "rejected": 2,
            "known with other data": 1,
        }

    def test_changed_nothing_when_no_batch_is_new(self) -> None:
        shop = Shop(Batch("b1", "LAMP", 10, None))
        file = csv_file("reference,sku,qty,eta", "b1,LAMP,10,")

        assert not bulk.import_batches(file, shop, reject=shop.rejects.append).changed
