"""Files that are sent, previewed, applied, and given back where they were rejected."""

from __future__ import annotations

import csv
import io

import pytest
from django.urls import reverse

from allocation.entrypoints import uploads
from tests.conftest import Fetch
from tests.functional.conftest import Allocations, Command
from tests.functional.web.uploads import BATCHES, ORDERS, Clerk, counts, errors, told

STOCK = "SELECT reference, sku, purchased_quantity, eta FROM allocation_batch ORDER BY reference"
HISTORY = "SELECT DISTINCT actor, service, event FROM allocation_historyentry ORDER BY event"


def batches(alias: str, fetch: Fetch) -> list[tuple[str, str, int, str]]:
    return [(ref, sku, qty, str(eta or "")) for ref, sku, qty, eta in fetch(alias, STOCK)]


class TestBatches:
    def test_are_previewed_and_not_stored(self, alias: str, ann: Clerk, fetch: Fetch) -> None:
        page = ann.send("batches", BATCHES)

        assert counts(page) == {"Rows read": "3", "Added": "2", "Rejected": "1"}
        assert "What would happen" in page.text
        assert "2030-01-31" in page.text
        assert batches(alias, fetch) == []

    def test_are_stored_once_they_are_applied(self, alias: str, ann: Clerk, fetch: Fetch) -> None:
        page = ann.apply(ann.sent("batches", BATCHES))

        assert told(page) == ["file.csv is applied."]
        assert counts(page) == {"Rows read": "3", "Added": "2", "Rejected": "1"}
        assert "What happened" in page.text
        assert batches(alias, fetch) == [("b1", "LAMP", 10, ""), ("b2", "LAMP", 5, "2030-01-31")]
        assert fetch(alias, HISTORY) == [("ann", "add_batches", "batch added")]

    def test_that_are_there_change_nothing_and_that_is_told(self, ann: Clerk) -> None:
        ann.apply(ann.sent("batches", BATCHES))
        page = ann.send("batches", BATCHES)

        assert counts(page) == {"Rows read": "3", "Unchanged": "2", "Rejected": "1"}
        assert "Nothing would change: there is no new batch." in page.text

    def test_with_other_data_are_rejected_with_the_reason(self, ann: Clerk) -> None:
        ann.apply(ann.sent("batches", BATCHES))
        page = ann.send("batches", b"reference,sku,qty,eta\nb1,LAMP,11,\n")

        assert counts(page) == {"Rows read": "1", "Rejected": "1", "Known with other data": "1"}
        assert "Batch b1 is already there with 10 of LAMP" in page.text


class TestOrders:
    @pytest.fixture(autouse=True)
    def stock(self, command: Command) -> None:
        command("add_batch", "STOCK", "LAMP", 10)

    def test_are_previewed_and_not_stored(self, ann: Clerk, allocations: Allocations) -> None:
        page = ann.send("orders", ORDERS)

        assert counts(page) == {
            "Rows read": "3",
            "Rejected": "1",
            "Lines": "2",
            "Allocated": "1",
            "Backordered": "1",
        }
        assert "The quantity must be a whole number of at least 1, not -1." in page.text
        assert "waits as a backorder" in page.text
        assert reverse("allocation:batch", args=["STOCK"]) in page.text
        assert allocations() == {}

    def test_are_allocated_once_they_are_applied(
        self, alias: str, ann: Clerk, allocations: Allocations, fetch: Fetch
    ) -> None:
        page = ann.apply(ann.sent("orders", ORDERS))

        assert counts(page)["Allocated"] == "1"
        assert allocations() == {("o1", "LAMP"): (8, "STOCK"), ("o2", "LAMP"): (8, "")}
        assert ("ann", "allocate_lines", "allocated") in fetch(alias, HISTORY)

    def test_are_found_in_columns_of_known_names(
        self, ann: Clerk, allocations: Allocations
    ) -> None:
        page = ann.send("orders", b"Quantity,x,StockCode,InvoiceNo\n8,?,LAMP,o1\n")
        assert "InvoiceNo for the order, StockCode for the SKU" in page.text

        ann.apply(page.context["upload"].pk)
        assert allocations() == {("o1", "LAMP"): (8, "STOCK")}

    def test_show_the_first_lines_and_rejects_alone(self, ann: Clerk) -> None:
        rows = [f"o{number},LAMP,{'x' if number % 2 else 1}\n" for number in range(60)]
        page = ann.send("orders", f"orderid,sku,qty\n{''.join(rows)}".encode())
        report = page.context["upload"].report

        assert [line["orderid"] for line in report["accepted"]] == [
            f"o{n}" for n in range(0, 20, 2)
        ]
        assert [reject["row"] for reject in report["rejects"]] == list(range(3, 23, 2))
        assert "Download all 30 as CSV" in page.text

    def test_show_the_rejects_in_the_order_of_their_rows(
        self, command: Command, ann: Clerk
    ) -> None:
        """Whether they are known with another quantity, or cannot be a line."""
        command("allocate", "o1", "LAMP", 1)
        upload = ann.sent("orders", b"orderid,sku,qty\no1,LAMP,2\no2,LAMP,x\no1,LAMP,2\n")
        report = ann.look(upload).context["upload"].report

        assert [reject["row"] for reject in report["rejects"]] == [2, 3, 4]
        rejects = csv.DictReader(io.StringIO(ann.rejects(upload).decode()))
        assert [row["row"] for row in rejects] == ["2", "3", "4"]

    def test_are_taken_from_a_file_without_rows(self, ann: Clerk) -> None:
        assert (
            "Nothing would change: there is no new line"
            in ann.send("orders", b"orderid,sku,qty\n").text
        )


class TestColumns:
    CONTENT = b"Bestellung,Artikel,Menge,Notiz,Notiz\nB1,LAMP,3,4,5\n"

    def test_of_unknown_names_are_chosen_first(
        self, command: Command, ann: Clerk, allocations: Allocations
    ) -> None:
        command("add_batch", "STOCK", "LAMP", 10)
        page = ann.send("orders", self.CONTENT)
        upload = page.context["upload"].pk
        assert "Which columns make an order line?" in page.text
        assert "Apply it" not in page.text
        assert ">Notiz<" not in page.text  # nobody could tell which of them is meant

        page = ann.preview(upload, orderid=0, sku=1, qty=2)
        assert counts(page) == {"Rows read": "1", "Lines": "1", "Allocated": "1"}
        ann.apply(upload)

        assert allocations() == {("B1", "LAMP"): (3, "STOCK")}

    def test_can_be_changed_after_the_preview(self, ann: Clerk) -> None:
        upload = ann.sent("orders", b"order,invoice,sku,qty\no1,i1,LAMP,1\n")
        page = ann.preview(upload, orderid=1, sku=2, qty=3)

        assert told(page) == [
            "This is what would happen now. Nothing is stored before you apply it."
        ]
        assert page.context["upload"].report["accepted"][0]["orderid"] == "i1"

    def test_chosen_twice_are_refused_beside_what_was_chosen(self, ann: Clerk) -> None:
        page = ann.preview(ann.sent("orders", self.CONTENT), orderid=0, sku=0, qty=2)

        assert errors(page) == ["Choose a column of its own for each."]
        assert page.text.count('value="0" selected') == 2

    @pytest.mark.parametrize("place", ["", "3", "9", "-1", "Menge", "\0"])
    def test_that_are_none_are_refused(self, ann: Clerk, place: str) -> None:
        page = ann.preview(ann.sent("orders", self.CONTENT), orderid=0, sku=1, qty=place)

        assert len(errors(page)) == 1
        assert page.context["upload"].report is None

    def test_may_have_any_name(self, ann: Clerk) -> None:
        upload = ann.sent("orders", b'"a\r\nb",<script>,"""c"""\no1,LAMP,1\n')
        page = ann.preview(upload, orderid=0, sku=1, qty=2)

        assert counts(page)["Lines"] == "1"
        assert "<script>" not in page.text

    def test_have_to_be_chosen_before_anything_is_applied(
        self, ann: Clerk, allocations: Allocations
    ) -> None:
        upload = ann.sent("orders", self.CONTENT)
        page = ann.apply(upload, seen="anything")

        assert "Somebody has previewed this file anew" in errors(page)[0]
        assert allocations() == {}


class TestFile:
    """What is wrong with the file as a whole."""

    @pytest.mark.parametrize(
        ("kind", "content", "message"),
        [
            ("orders", b"", "The file is empty."),
            ("batches", b"", "The file is empty."),
            ("orders", "orderid,sku,qty\n".encode("utf-16"), "Row 1 contains a NUL character"),
            ("orders", b"orderid,sku,qty\no1,LAMP,1\n\0\1\n", "Row 3 contains a NUL character"),
            ("orders", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "Row 1 is not UTF-8"),
            ("orders", b"orderid,sku,qty\no1,LAMP,1\no2,\xff,1\n", "Row 3 is not UTF-8"),
            ("orders", b"a,b,c,d\n1,2,3,\xff\n", "Row 2 is not UTF-8"),
            ("orders", b"orderid;sku;qty\no1;LAMP;1\n", "separate the columns with commas"),
            ("batches", b"reference;sku;qty;eta\n", "separate the columns with commas"),
            ("orders", b"sku,qty\nLAMP,1\n", "There is no column orderid."),
            ("orders", b"a,a,,b\n1,2,3,4\n", "There is no column orderid."),
            ("batches", b"reference,sku,qty\nb1,LAMP,1\n", "There is no column eta."),
            ("batches", b"reference,sku,qty,eta,eta\n", "There is more than one column eta."),
            ("orders", b'orderid,sku,qty\no1,"LAMP,1\n', "Row 2 has a quote that is never closed"),
            ("orders", b"," * 100_000, "The first row is empty"),
            ("orders", b"a," * 100_000, "The first row has more than 10,000 characters"),
        ],
    )
    def test_is_told_beside_the_file_and_nothing_is_kept(
        self, alias: str, ann: Clerk, fetch: Fetch, kind: str, content: bytes, message: str
    ) -> None:
        page = ann.send(kind, content, name="of_may.csv")
        [error] = errors(page)

        assert page.status_code == 200
        assert error.startswith("of_may.csv: ")
        assert message in error
        assert page.context[f"{kind}_form"].errors
        assert fetch(alias, "SELECT count(*) FROM allocation_upload") == [(0,)]

    def test_may_be_missing(self, ann: Clerk) -> None:
        page = ann.client.post(reverse("allocation:upload_orders"))

        assert errors(page) == ["This field is required."]

    @pytest.mark.parametrize("last", [b"o4,LAMP,1\n", b"o4\n"])
    def test_may_have_too_many_rows(
        self, ann: Clerk, monkeypatch: pytest.MonkeyPatch, last: bytes
    ) -> None:
        monkeypatch.setattr(uploads, "MAX_ROWS", 3)

        assert errors(ann.send("orders", ORDERS)) == []
        [error] = errors(ann.send("orders", ORDERS + last))
        assert "more than 3 rows. Split it" in error
        assert "allocate_orders" in error

    def test_is_never_more_than_a_text_on_a_page(self, ann: Clerk) -> None:
        content = b"orderid,sku,qty\n<i>1</i>,<script>,1\n2,LAMP,<img>\n"
        page = ann.send("orders", content, name="<i>.csv")

        for text in ("<i>", "<script>", "<img>"):
            assert text not in page.text
        assert "<i>" not in ann.client.get(reverse("allocation:uploads")).text


class TestRejects:
    CONTENT = (
        'orderid,sku,qty,note\no1,LAMP,1,\no2,LAMP,zwölf,"=HYPERLINK(""http://example.org"")"\n'
    )

    def test_are_a_file_of_their_own(self, ann: Clerk) -> None:
        upload = ann.sent("orders", self.CONTENT.encode())
        response = ann.client.get(reverse("allocation:upload_rejects", args=[upload]))

        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert response["Content-Disposition"] == 'attachment; filename="file-rejects.csv"'
        content = response.getvalue().decode("utf-8-sig")
        assert list(csv.DictReader(io.StringIO(content, newline=""))) == [
            {
                "orderid": "o2",
                "sku": "LAMP",
                "qty": "zwölf",
                "note": '\'=HYPERLINK("http://example.org")',
                "row": "3",
                "reason": "The quantity must be a whole number of at least 1, not 'zwölf'.",
            }
        ]

    def test_can_be_corrected_and_uploaded_again(
        self, ann: Clerk, allocations: Allocations
    ) -> None:
        upload = ann.sent("orders", self.CONTENT.encode())
        ann.apply(upload)
        corrected = ann.rejects(upload).replace("zwölf".encode(), b"12")
        page = ann.apply(ann.sent("orders", corrected))

        assert counts(page) == {
            "Rows read": "1",
            "Lines": "1",
            "Backordered": "1",
            "Waiting, of an unknown SKU": "1",
        }
        assert allocations() == {("o1", "LAMP"): (1, ""), ("o2", "LAMP"): (12, "")}

    def test_that_are_uploaded_as_they_are_come_back_the_same(self, ann: Clerk) -> None:
        content = b"orderid,sku,qty\n=o1,@LAMP,0\n-o2,LAMP,-1\n'+o3,LAMP,\n"
        first = ann.rejects(ann.sent("orders", content))
        second = ann.rejects(ann.sent("orders", first))

        assert second == first

    def test_are_none_where_no_row_is_rejected(self, ann: Clerk) -> None:
        page = ann.send("orders", b"orderid,sku,qty\no1,LAMP,1\n")
        upload = page.context["upload"].pk

        assert "Rejected rows" not in page.text
        url = reverse("allocation:upload_rejects", args=[upload])
        assert ann.client.get(url).status_code == 404
