from __future__ import annotations

import contextlib
import csv
import gc
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocation.service_layer.csv_files import (
    CsvFile,
    MissingColumn,
    Reject,
    RejectWriter,
    Row,
    UnreadableFile,
    without_formula,
)


def read(content: bytes) -> tuple[list[str], list[Row], list[Reject]]:
    rejects: list[Reject] = []
    file = CsvFile(io.BytesIO(content))
    return file.columns, list(file.rows(rejects.append)), rejects


def unexpected(reject: Reject) -> None:
    pytest.fail(reject.reason)


def cells(content: bytes) -> list[tuple[str, ...]]:
    return [row.cells for row in read(content)[1]]


class TestCsvFile:
    @pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
    @pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
    @pytest.mark.parametrize("last", [True, False])
    def test_reads_any_newline_with_or_without_bom(
        self, newline: bytes, bom: bytes, last: bool
    ) -> None:
        content = bom + newline.join([b"sku,qty", "Vitrine für Café,3".encode(), b"LAMP,4"])
        columns, rows, rejects = read(content + newline * last)

        assert columns == ["sku", "qty"]
        assert [row.cells for row in rows] == [("Vitrine für Café", "3"), ("LAMP", "4")]
        assert [row.number for row in rows] == [2, 3]
        assert rejects == []

    def test_reads_quoted_fields(self) -> None:
        assert cells(b'a,b\n"1, ""one""","2\nlines"\n') == [('1, "one"', "2\nlines")]

    def test_counts_rows_as_a_spreadsheet_does(self) -> None:
        _, rows, _ = read(b'a,b\n"two\nlines",2\n\n\n3,3\n')

        assert [row.number for row in rows] == [2, 5]

    def test_trims_the_names_of_columns(self) -> None:
        assert read(b" sku , qty\n")[0] == ["sku", "qty"]

    def test_leaves_the_stream_open(self) -> None:
        stream = io.BytesIO(b"sku\nLAMP\n")
        list(CsvFile(stream).rows(unexpected))

        assert not stream.closed

    def test_leaves_the_stream_open_when_it_cannot_be_read(self) -> None:
        stream = io.BytesIO(b"sku\0")
        with pytest.raises(UnreadableFile):
            CsvFile(stream)

        assert not stream.closed

    def test_rejects_rows_of_another_width(self) -> None:
        _, rows, rejects = read(b"a,b\n1\n1,2\n1,2,3\n")

        assert [row.cells for row in rows] == [("1", "2")]
        assert rejects == [
            Reject(Row(2, ("1",)), "The row has 1 cells, not 2 as the header."),
            Reject(Row(4, ("1", "2", "3")), "The row has 3 cells, not 2 as the header."),
        ]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "The file is empty."),
            (b"\xef\xbb\xbf", "The file is empty."),
            (b"\n\n1,2\n", "The first row is empty"),
            (b" , \n1,2\n", "The first row is empty"),
            (b"a," * 5_001 + b"\n", "The first row has more than 10,000 characters"),
            (b"a,b\n1,2\n1,\0\n", "Row 3 contains a NUL character"),
            ("a,b\n1,2\n".encode("utf-16"), "Row 1 contains a NUL character: .* UTF-16"),
            (b"a,b\n1,2\n3,caf\xe9\n", "Row 3 is not UTF-8"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "Row 1 is not UTF-8"),
            (b'a,b\n1,2\n3,"4\n5,6\n', "Row 3 has a quote that is never closed"),
            (b"a,b\n1,2\n3," + b"4" * 200_000 + b"\n", "Row 3 cannot be read"),
            (b'a,b\n1,"2\n' + b"3,4\n" * 100_000, "Row 2 cannot be read"),
        ],
    )
    def test_tells_what_is_wrong_with_a_file(self, content: bytes, message: str) -> None:
        with pytest.raises(UnreadableFile, match=message):
            read(content)

    @given(
        st.lists(
            st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))),
            max_size=5,
        )
    )
    def test_reads_back_what_was_written(self, table: list[list[str]]) -> None:
        width = 3
        rows = [(row + [""] * width)[:width] for row in table]
        text = io.StringIO(newline="")
        csv.writer(text).writerows([["a", "b", "c"], *rows])

        assert cells(text.getvalue().encode()) == [tuple(row) for row in rows]

    def test_can_be_forgotten_half_read_after_its_stream(self) -> None:
        """Warnings are errors here, those of the garbage collector too."""
        with io.BytesIO(b"sku\nLAMP\nSOFA\n") as stream:
            file = CsvFile(stream)
        del file
        gc.collect()

    @given(st.binary())
    def test_reads_anything_or_says_why_not(self, content: bytes) -> None:
        with contextlib.suppress(UnreadableFile):
            read(content)


class TestPositions:
    def test_are_where_the_columns_stand(self) -> None:
        assert CsvFile(io.BytesIO(b"a,b,c\n")).positions("c", "a") == [2, 0]

    def test_do_not_mind_a_column_twice_that_nobody_asks_for(self) -> None:
        assert CsvFile(io.BytesIO(b"a,b,a\n")).positions("b") == [1]

    def test_name_the_columns_found_when_one_is_missing(self) -> None:
        with pytest.raises(MissingColumn, match=r"no column qty\. The columns are: sku, Qty") as e:
            CsvFile(io.BytesIO(b"sku,Qty\n")).positions("sku", "qty")

        assert (e.value.column, e.value.columns) == ("qty", ["sku", "Qty"])

    @pytest.mark.parametrize("separator", [";", "\t"])
    def test_name_the_separator_that_is_wanted(self, separator: str) -> None:
        with pytest.raises(MissingColumn, match="separate the columns with commas"):
            CsvFile(io.BytesIO(f"sku{separator}qty\n".encode())).positions("sku", "qty")

    def test_are_refused_when_a_column_is_there_twice(self) -> None:
        with pytest.raises(MissingColumn, match="more than one column qty"):
            CsvFile(io.BytesIO(b"qty,qty\n")).positions("qty")


class TestRejectWriter:
    def written(self, columns: list[str], *rejects: Reject) -> str:
        stream = io.StringIO(newline="")
        writer = RejectWriter(stream, columns)
        for reject in rejects:
            writer(reject)
        return stream.getvalue()

    def test_writes_the_header_at_once(self) -> None:
        assert self.written(["sku", "qty"]) == "sku,qty,row,reason\r\n"

    def test_writes_the_row_with_its_number_and_reason(self) -> None:
        reject = Reject(Row(7, (" LAMP", "-1")), "Too few, really.")

        assert self.written(["sku", "qty"], reject).endswith('\n LAMP,-1,7,"Too few, really."\r\n')

    def test_keeps_row_and_reason_in_their_columns_when_the_row_is_short(self) -> None:
        assert self.written(["sku", "qty"], Reject(Row(7, ("LAMP",)), "Short")).endswith(
            "\nLAMP,,7,Short\r\n"
        )

    def test_keeps_the_cells_beyond_the_header(self) -> None:
        assert self.written(["sku"], Reject(Row(7, ("LAMP", "6", "7")), "Long")).endswith(
            "\nLAMP,7,Long,6,7\r\n"
        )

    def test_replaces_row_and_reason_of_an_earlier_time(self) -> None:
        reject = Reject(Row(2, ("LAMP", "-1", "7", "Old")), "New")

        assert self.written(["sku", "qty", "row", "reason"], reject) == (
            "sku,qty,row,reason\r\nLAMP,-1,2,New\r\n"
        )

    @given(
        st.lists(
            st.tuples(
                *[st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))] * 2
            )
        )
    )
    def test_writes_what_can_be_read_again(self, rows: list[tuple[str, str]]) -> None:
        rejects = (Reject(Row(n, row), "Why not") for n, row in enumerate(rows))
        columns, read_again, _ = read(self.written(["sku", "qty"], *rejects).encode())

        assert columns == ["sku", "qty", "row", "reason"]
        assert [row.cells[:2] for row in read_again] == rows


class TestFormulas:
    """See Note [Formulas] in csv_files."""

    @pytest.mark.parametrize(
        "cell",
        ["=1+1", "@home", "+A1", "-A1", "-1-1", " =1+1", "\t=1+1", "\n@A1", "\uff1d1+1", "'=1+1"],
    )
    def test_get_an_apostrophe(self, cell: str) -> None:
        assert without_formula(cell) == f"'{cell}"

    @pytest.mark.parametrize(
        "cell", ["", "LAMP", "6", "-6", "+6", " -1,000.50 ", "'LAMP", "1-1", "a=b", "-", "'"]
    )
    def test_are_not_seen_in_numbers_and_texts(self, cell: str) -> None:
        assert without_formula(cell) == {"-": "'-"}.get(cell, cell)

    @given(st.text(st.sampled_from("'=+-@ \t\n1,.a\uff1d")), st.text(st.sampled_from("'=+-@ a")))
    def test_in_rejects_come_back_as_they_were(self, cell: str, column: str) -> None:
        stream = io.StringIO(newline="")
        RejectWriter(stream, [column.strip(), "qty"])(Reject(Row(2, (cell, "0")), "Too few."))
        again = CsvFile(io.BytesIO(stream.getvalue().encode()))

        assert again.columns == [column.strip(), "qty", "row", "reason"]
        assert [row.cells[0] for row in again.rows(unexpected)] == [cell]

    def test_in_rejects_are_never_one(self) -> None:
        stream = io.StringIO(newline="")
        RejectWriter(stream, ["=sku"])(Reject(Row(2, ("=1+1", "@2")), "=3"))

        for cells in csv.reader(io.StringIO(stream.getvalue())):
            assert not any(cell.startswith(("=", "@")) for cell in cells)

    def test_of_other_files_are_read_as_they_stand(self) -> None:
        assert cells(b"sku,qty\n'=1,'-1-1\n") == [("'=1", "'-1-1")]
