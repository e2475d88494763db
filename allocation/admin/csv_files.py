"""Rows as a CSV file, sent as it is read.

It is made for spreadsheets: see Note [Formulas]. `export_allocations`, which
writes for programs, leaves every name as it is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from allocation.service_layer.csv_files import without_formula

_PART: Final = 64 * 1024
"""Characters, about, that are sent at once."""


def csv_response(
    name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> StreamingHttpResponse:
    """A download, in UTF-8 as spreadsheets recognise it; in constant memory if `rows` are."""
    return StreamingHttpResponse(
        _text(columns, rows),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": content_disposition_header(
                as_attachment=True, filename=f"{name}.csv"
            )
        },
    )


def _text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    part = io.StringIO()
    part.write("\ufeff")  # Excel reads the file in the encoding of the machine without it
    writer = csv.writer(part)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([without_formula(cell) if isinstance(cell, str) else cell for cell in row])
        if part.tell() >= _PART:
            yield part.getvalue()
            part.seek(0)
            part.truncate()
    yield part.getvalue()
