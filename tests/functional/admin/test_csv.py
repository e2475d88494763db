"""What the admin exports."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from allocation.models import OrderLine
from allocation.service_layer.batch_files import read_batches
from allocation.service_layer.csv_files import CsvFile, Reject
from allocation.service_layer.order_files import OrderColumns, read_orders
from tests.functional.admin.pages import act
from tests.functional.conftest import Command
from tests.integration.shop import DatabaseShop
from tests.unit.services_contract import JUNE


@pytest.fixture(autouse=True)
def stock(shop: DatabaseShop) -> None:
    shop.add("STOCK", "LAMP", 5)
    shop.add("SHIP", 'SOFA, "red"', 5, JUNE)
    shop.order(("o1", "LAMP", 2), ("o2", "LÄMP→", 4))


def export(client: Client, model: str, *keys: object, **data: object) -> Any:
    return act(client, model, "export_csv", *keys, **data)


def cells(response: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(response.getvalue().decode("utf-8-sig"))))


class TestTheExport:
    def test_holds_the_selected_batches(self, viewer: Client) -> None:
        response = export(viewer, "batch", "SHIP", "STOCK")

        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert response["Content-Disposition"] == 'attachment; filename="batches.csv"'
        assert cells(response) == [
            ["reference", "sku", "qty", "allocated", "free", "eta"],
            ["SHIP", 'SOFA, "red"', "5", "0", "5", "2026-06-01"],
            ["STOCK", "LAMP", "5", "2", "3", ""],
        ]

    def test_holds_all_that_the_list_is_narrowed_down_to(self, viewer: Client) -> None:
        """Whatever page they are on."""
        exported = cells(export(viewer, "orderline", "0", select_across="1"))

        assert exported[0] == ["orderid", "sku", "qty", "batchref"]
        assert exported[1:] == [["o2", "LÄMP→", "4", ""], ["o1", "LAMP", "2", "STOCK"]]

    def test_holds_the_history(self, viewer: Client, command: Command) -> None:
        command("change_batch_quantity", "STOCK", 9)
        header, *entries = cells(export(viewer, "historyentry", "0", select_across="1"))

        [entry] = (dict(zip(header, entry, strict=True)) for entry in entries)
        assert entry["event"] == "quantity changed"
        assert (entry["batch"], entry["orderid"], entry["sku"]) == ("STOCK", "", "LAMP")

    def test_has_names_that_begin_like_a_formula_as_texts(
        self, viewer: Client, shop: DatabaseShop
    ) -> None:
        shop.order(*((f"{sign}1+1", "LAMP", 9) for sign in "=+-@"))
        exported = cells(export(viewer, "orderline", "0", select_across="1"))

        assert [row[0] for row in exported[1:5]] == ["'@1+1", "'-1+1", "'+1+1", "'=1+1"]

    def test_can_be_imported_again(self, viewer: Client) -> None:
        rejects: list[Reject] = []
        lines = io.BytesIO(export(viewer, "orderline", "0", select_across="1").getvalue())
        batches = io.BytesIO(export(viewer, "batch", "0", select_across="1").getvalue())

        orders = read_orders(CsvFile(lines), OrderColumns(), rejects.append)
        assert [line.orderid for line in orders.lines.values()] == ["o2", "o1"]
        read = [batch.reference for _, batch in read_batches(CsvFile(batches), rejects.append)]
        assert read == ["SHIP", "STOCK"]
        assert rejects == []

    def test_reads_as_it_is_sent(
        self, alias: str, viewer: Client, shop: DatabaseShop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One statement, however much there is."""
        lines = [OrderLine(orderid=f"{n:050}", sku="LAMP", qty=1) for n in range(2000)]
        OrderLine.objects.using(alias).bulk_create(lines)
        response = export(viewer, "orderline", "0", select_across="1")
        with CaptureQueriesContext(connections[alias]) as captured:
            parts = list(response.streaming_content)

        assert len(captured) <= 1
        assert len(parts) > 1
        assert max(map(len, parts)) < 70_000
        assert b"".join(parts).count(b"\r\n") == 1 + 2 + 2000
