from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocation.domain.model import OrderLine
from allocation.domain.values import MAX_QUANTITY
from allocation.service_layer.csv_files import CsvFile, Reject
from allocation.service_layer.order_files import (
    OrderColumns,
    Orders,
    distinct_columns,
    guess_columns,
    read_orders,
)


def read(*rows: str, header: str = "orderid,sku,qty") -> tuple[Orders, list[Reject]]:
    rejects: list[Reject] = []
    file = CsvFile(io.BytesIO("\n".join([header, *rows]).encode()))
    return read_orders(file, OrderColumns(), rejects.append), rejects


class TestReadOrders:
    def test_reads_lines_in_the_order_of_the_file(self) -> None:
        orders, rejects = read("o2,LAMP,3", "o1,LAMP,4")

        assert list(orders.lines.values()) == [
            OrderLine("o2", "LAMP", 3),
            OrderLine("o1", "LAMP", 4),
        ]
        assert (orders.read, orders.merged, rejects) == (2, 0, [])

    def test_finds_columns_by_their_names(self) -> None:
        rejects: list[Reject] = []
        file = CsvFile(io.BytesIO(b"Quantity,x,StockCode,InvoiceNo\n3,?,LAMP,o1\n"))
        columns = OrderColumns(orderid="InvoiceNo", sku="StockCode", qty="Quantity")
        orders = read_orders(file, columns, rejects.append)

        assert list(orders.lines.values()) == [OrderLine("o1", "LAMP", 3)]

    def test_merges_rows_of_a_line_at_the_place_of_the_first(self) -> None:
        orders, _ = read("o1,LAMP,3", "o1,SOFA,1", " o1 , LAMP ,4")

        assert list(orders.lines.values()) == [
            OrderLine("o1", "LAMP", 7),
            OrderLine("o1", "SOFA", 1),
        ]
        assert [row.number for row in orders.rows["o1", "LAMP"]] == [2, 4]
        assert (orders.read, orders.merged) == (3, 1)

    def test_keeps_skus_apart_that_differ_in_case(self) -> None:
        assert len(read("o1,m,1", "o1,M,1")[0].lines) == 2

    def test_rejects_what_cannot_be_a_line_and_goes_on(self) -> None:
        orders, rejects = read("o1,LAMP,-2", "o1,LAMP,3", ",LAMP,3", "o1,LAMP,x", "o1,LAMP")

        assert orders.lines == {("o1", "LAMP"): OrderLine("o1", "LAMP", 3)}
        assert [(reject.row.number, reject.row.cells) for reject in rejects] == [
            (2, ("o1", "LAMP", "-2")),
            (4, ("", "LAMP", "3")),
            (5, ("o1", "LAMP", "x")),
            (6, ("o1", "LAMP")),
        ]
        assert (orders.read, orders.merged) == (5, 0)

    def test_rejects_the_row_that_makes_a_line_too_large(self) -> None:
        orders, rejects = read(f"o1,LAMP,{MAX_QUANTITY - 1}", "o1,LAMP,2", "o1,LAMP,1")

        assert orders.lines["o1", "LAMP"].qty == MAX_QUANTITY
        [reject] = rejects
        assert reject.row.number == 3
        assert f"must be at most {MAX_QUANTITY}" in reject.reason
        assert "o1" in reject.reason

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["o1", "o2", " o2 ", ""]),
                st.sampled_from(["LAMP", "lamp", "SOFA"]),
                st.sampled_from(["1", "2", "0", "-1", "x", str(MAX_QUANTITY)]),
            )
        )
    )
    def test_loses_no_row_and_no_unit(self, rows: list[tuple[str, str, str]]) -> None:
        orders, rejects = read(*map(",".join, rows))
        rejected = {reject.row.number for reject in rejects}
        taken = [row for number, row in enumerate(rows, start=2) if number not in rejected]

        assert orders.read == len(rows) == len(orders.lines) + orders.merged + len(rejects)
        assert sum(line.qty for line in orders.lines.values()) == sum(int(row[2]) for row in taken)


class TestGuessColumns:
    @pytest.mark.parametrize(
        ("header", "orderid", "sku", "qty"),
        [
            (["orderid", "sku", "qty"], "orderid", "sku", "qty"),
            (["Quantity", "x", "StockCode", "InvoiceNo"], "InvoiceNo", "StockCode", "Quantity"),
            (["Order ID", "SKU", "Qty."], "Order ID", "SKU", "Qty."),
            (["invoice", "order", "sku", "units"], "order", "sku", "units"),
        ],
    )
    def test_finds_them_however_they_are_written(
        self, header: list[str], orderid: str, sku: str, qty: str
    ) -> None:
        assert guess_columns(header) == {"orderid": orderid, "sku": sku, "qty": qty}

    def test_leaves_out_what_it_does_not_find(self) -> None:
        assert guess_columns(["Bestellung", "SKU"]) == {"sku": "SKU"}

    def test_does_not_choose_among_columns_of_one_name(self) -> None:
        assert guess_columns(["orderid", "sku", "qty", "qty"]) == {
            "orderid": "orderid",
            "sku": "sku",
        }


def test_distinct_columns_have_a_name_of_their_own() -> None:
    assert distinct_columns(["a", "", "b", "a", "c"]) == ["b", "c"]
