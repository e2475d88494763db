"""CSV files as people have them: read row by row, and written back where a row was rejected.

Note [Formulas]: a spreadsheet takes a cell such as `=1+1` or `@home` for a
formula, and does what it says. People open rejects in one, whoever wrote the
rows, and so an apostrophe is put before such a cell. It is taken away when the
rejects, which are known by their last two columns, are read again: the row that
comes back is the row that was rejected.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final, Protocol

_MAX_HEADER: Final = 10_000  # characters, with the commas; what is longer names no columns

# What "surrogateescape" makes of a byte that is not UTF-8.
_NOT_UTF_8: Final = re.compile("[\ud800-\udfff]")
# Apostrophes before it are one more each time. The last four are the full-width forms.
_FORMULA: Final = re.compile(r"'*\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
_NUMBER: Final = re.compile(r"\s*[+-]?[0-9]+(?:[.,][0-9]+)*\s*")


class UnreadableFile(ValueError):
    """A file that cannot be used as a whole. The message is meant for people."""


class MissingColumn(UnreadableFile):
    """The header lacks a column, or has it twice. Carries `column` and the `columns` found."""

    def __init__(self, column: str, columns: Sequence[str]) -> None:
        self.column = column
        self.columns = list(columns)
        found = f"The columns are: {', '.join(columns)}."
        if len(columns) == 1 and re.search("[;\t]", columns[0]):
            found = "The file has a single column: separate the columns with commas."
        if column in columns:
            super().__init__(f"There is more than one column {column}. {found}")
        else:
            super().__init__(f"There is no column {column}. {found}")


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was read.

    `number` is the one that a spreadsheet shows: the header is row 1, empty
    rows count, and a quoted field with line breaks does not make two rows.
    """

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that cannot be used, and why."""

    row: Row
    reason: str


RejectSink = Callable[[Reject], object]
"""Takes the rejects one by one: `list.append`, a `RejectWriter`."""


class CsvFile:
    """A CSV file: UTF-8 with or without BOM, any newline, a header in the first row.

    Raises UnreadableFile, here and while the rows are read, for what is no such
    file. Reads as it goes along, and leaves the stream open.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._row = 0
        self._at_end = False
        self._records = self._read(stream)
        header = next(self._records, None)
        if header is None:
            raise UnreadableFile("The file is empty.")
        if not any(cell.strip() for cell in header):
            raise UnreadableFile("The first row is empty: it must name the columns.")
        if sum(len(cell) + 1 for cell in header) > _MAX_HEADER:
            raise UnreadableFile(
                f"The first row has more than {_MAX_HEADER:,} characters: it must name the columns."
            )
        self.columns = [cell.strip() for cell in header]
        self._read_again = _of_rejects(self.columns)
        if self._read_again:
            self.columns = [_without_apostrophe(column) for column in self.columns]

    def positions(self, *columns: str) -> list[int]:
        """Where these columns stand in every row. Raises MissingColumn."""
        for column in columns:
            if self.columns.count(column) != 1:
                raise MissingColumn(column, self.columns)
        return [self.columns.index(column) for column in columns]

    def rows(self, reject: RejectSink) -> Iterator[Row]:
        """The rows of the right width, once. Others are rejected, empty ones passed over."""
        width = len(self.columns)
        for cells in self._records:
            read = map(_without_apostrophe, cells) if self._read_again else cells
            row = Row(self._row, tuple(read))
            if len(cells) == width:
                yield row
            elif cells:
                reject(Reject(row, f"The row has {len(cells)} cells, not {width} as the header."))

    def _read(self, stream: IO[bytes]) -> Iterator[list[str]]:
        reader = csv.reader(self._lines(stream))
        while True:
            self._row += 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise UnreadableFile(
                    f"Row {self._row} cannot be read: {error}. Is a quote never closed?"
                ) from error
            # A row is complete with its last line, unless a quote asks for more of them.
            if self._at_end:
                raise UnreadableFile(f"Row {self._row} has a quote that is never closed.")
            yield cells

    def _lines(self, stream: IO[bytes]) -> Iterator[str]:
        text = io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="")
        try:
            for line in text:
                if "\0" in line:
                    raise UnreadableFile(
                        f"Row {self._row} contains a NUL character: this is a binary file, or one "
                        f"in UTF-16. Save it as CSV in UTF-8."
                    )
                if not line.isascii() and _NOT_UTF_8.search(line):
                    raise UnreadableFile(f"Row {self._row} is not UTF-8. Save the file as UTF-8.")
                yield line
            self._at_end = True
        finally:
            if not stream.closed:
                text.detach()  # or it would close the stream, which is not ours


def without_formula(cell: str) -> str:
    """The cell as it can be opened in a spreadsheet: see Note [Formulas]."""
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def _without_apostrophe(cell: str) -> str:
    """What `without_formula` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _of_rejects(columns: Sequence[str]) -> bool:
    return list(columns[-2:]) == ["row", "reason"]


class _Writable(Protocol):
    def write(self, text: str, /) -> Any: ...


class RejectWriter:
    """Writes rejects as CSV: the columns of the file they come from, then `row` and `reason`.

    The result can be corrected and read again: those two columns are then
    replaced, and ignored by whoever reads the others. Cells that a row has
    beyond the header follow the reason. See Note [Formulas].
    """

    def __init__(self, stream: _Writable, columns: Sequence[str]) -> None:
        # Ends lines with CR LF: with LF alone, a CR in a cell goes unquoted before Python 3.13.
        self._writer = csv.writer(stream)
        self._columns = len(columns)
        self._kept = self._columns - 2 if _of_rejects(columns) else self._columns
        self._write([*columns[: self._kept], "row", "reason"])

    def __call__(self, reject: Reject) -> None:
        cells = reject.row.cells
        kept = cells[: self._kept]
        missing = [""] * (self._kept - len(kept))
        surplus = cells[self._columns :]
        self._write([*kept, *missing, str(reject.row.number), reject.reason, *surplus])

    def _write(self, cells: Sequence[str]) -> None:
        self._writer.writerow(map(without_formula, cells))
