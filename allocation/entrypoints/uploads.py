"""Files that people upload: kept, previewed, and applied by the use cases of the commands.

Between the requests an upload waits in the database, where every process of the
server finds it.
"""

from __future__ import annotations

import dataclasses
import io
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.utils import timezone

from allocation import bootstrap
from allocation.domain.model import AllocationError, Batch
from allocation.domain.stock import Outcome, Placement
from allocation.models import Upload
from allocation.service_layer import bulk
from allocation.service_layer.bulk_reports import AllocationReport, ImportReport
from allocation.service_layer.csv_files import CsvFile, Reject, RejectWriter, Row, UnreadableFile
from allocation.service_layer.order_files import OrderColumns, distinct_columns, guess_columns

MAX_ROWS: Final = 100_000
"""A preview decides about all rows at once: so long the person waits, and so do other writers."""

_SHOWN: Final = 10  # rejects, and lines or batches; the commands show as many
_COMMANDS: Final = {Upload.Kind.BATCHES: "import_batches", Upload.Kind.ORDERS: "allocate_orders"}


class PreviewOutdated(AllocationError):
    """An upload was previewed anew since somebody decided to apply it."""

    def __init__(self) -> None:
        super().__init__(
            "Somebody has previewed this file anew meanwhile. Look at what would happen now, and "
            "apply it then."
        )


def take_in(kind: Upload.Kind, file: UploadedFile[bytes], user: str) -> Upload:
    """Keep a file, with its preview unless the columns of the orders have to be chosen first.

    Uploads that have been there for long enough go. Raises UnreadableFile.
    """
    now = timezone.now()
    content = file.read()
    upload = Upload(
        kind=kind, filename=file.name or "", content=content, uploaded_at=now, uploaded_by=user
    )
    upload.header = _readable_header(kind, content)
    if kind is Upload.Kind.ORDERS:
        upload.columns = guess_columns(upload.header)
    if not _leaves_a_choice(upload):
        _rehearse(upload)
    Upload.objects.outdated(now).delete()
    upload.save()
    return upload


def preview(upload: Upload, columns: dict[str, str]) -> bool:
    """Preview an upload with these columns; tells whether it was still waiting for that."""
    waiting = _waiting(upload).first()
    if waiting is None:
        return False
    waiting.columns = columns
    _rehearse(waiting)
    updated = _waiting(upload).update(
        columns=columns,
        previewed_at=waiting.previewed_at,
        report=waiting.report,
        rejects=waiting.rejects,
    )
    return updated == 1


def preview_token(upload: Upload) -> str | None:
    """Names the preview that somebody sees; None where there is none."""
    return None if upload.previewed_at is None else upload.previewed_at.isoformat()


def apply(upload: Upload, seen: str, user: str, run: bulk.Runner) -> bool:
    """Do what the preview tells whose token was `seen`; tells whether it was waiting for that.

    Whoever comes second, while somebody does it or later, changes nothing. If
    it fails, what is stored is whole, and it can be applied again. Raises
    PreviewOutdated.
    """
    if seen != preview_token(upload):
        raise PreviewOutdated
    now = timezone.now()
    waiting = _waiting(upload).filter(previewed_at=upload.previewed_at)
    if not waiting.update(claimed_at=now, applied_by=user):
        return False
    claimed = Upload.objects.filter(pk=upload.pk, claimed_at=now)
    try:
        report, rejects = _process(upload, run, bulk.CHUNK_SIZE)
    except BaseException:
        claimed.update(claimed_at=None, applied_by="")
        raise
    claimed.update(applied_at=timezone.now(), report=report, rejects=rejects, content=b"")
    return True


def _waiting(upload: Upload) -> QuerySet[Upload]:
    return Upload.objects.waiting(timezone.now()).filter(pk=upload.pk)


def _readable_header(kind: Upload.Kind, content: bytes) -> list[str]:
    """The names of the columns of a file that can be read to its end. Raises UnreadableFile."""

    def check(row: Row) -> None:
        if row.number > MAX_ROWS + 1:
            raise UnreadableFile(
                f"The file has more than {MAX_ROWS:,} rows. Split it, and upload the parts in "
                f"their order; or whoever runs this site can use the command {_COMMANDS[kind]}."
            )

    file = CsvFile(io.BytesIO(content))
    for row in file.rows(lambda reject: check(reject.row)):
        check(row)
    return file.columns


def _leaves_a_choice(upload: Upload) -> bool:
    """Whether it has columns to choose from, and they have to be chosen."""
    needed = len(dataclasses.fields(OrderColumns))
    orders = upload.kind == Upload.Kind.ORDERS
    return orders and len(upload.columns) < needed <= len(distinct_columns(upload.header))


def _rehearse(upload: Upload) -> None:
    upload.report, upload.rejects = _process(upload, bootstrap.rehearse, None)
    upload.previewed_at = timezone.now()


def _process(upload: Upload, run: bulk.Runner, chunk_size: int | None) -> tuple[Any, str]:
    """Put a file through its use case; returns the report as JSON, and the rejects as CSV."""
    file = CsvFile(io.BytesIO(upload.content))
    findings = _Findings(file)
    report: ImportReport | AllocationReport
    if upload.kind == Upload.Kind.BATCHES:
        report = bulk.import_batches(
            file, run, reject=findings.reject, accept=findings.batch, chunk_size=chunk_size
        )
    else:
        report = bulk.allocate_orders(
            file,
            run,
            reject=findings.reject,
            accept=findings.line,
            columns=OrderColumns(**upload.columns),
            chunk_size=chunk_size,
        )
    return findings.told(report), findings.rejects_file


class _Findings:
    """Gathers what a use case tells of a file. Rejects come out in the order of their rows."""

    def __init__(self, file: CsvFile) -> None:
        self._columns = file.columns
        self._rejected: list[Reject] = []
        self._accepted: list[dict[str, Any]] = []

    def reject(self, reject: Reject) -> None:
        self._rejected.append(reject)

    def _rejects(self) -> list[Reject]:
        return sorted(self._rejected, key=lambda reject: reject.row.number)

    def batch(self, batch: Batch, new: bool) -> None:  # noqa: FBT001 - so is its sink called
        if len(self._accepted) < _SHOWN:
            self._accepted.append(
                {
                    "reference": batch.reference,
                    "sku": batch.sku,
                    "qty": batch.purchased_quantity,
                    "eta": batch.eta and batch.eta.isoformat(),
                    "known": not new,
                }
            )

    def line(self, placement: Placement) -> None:
        if len(self._accepted) < _SHOWN:
            known = placement.outcome in (Outcome.ALREADY_ALLOCATED, Outcome.ALREADY_BACKORDERED)
            self._accepted.append(
                dataclasses.asdict(placement.line)
                | {"reference": placement.reference, "known": known}
            )

    def told(self, report: ImportReport | AllocationReport) -> dict[str, Any]:
        """All that a page shows, as JSON."""
        return {
            "read": report.read,
            "rejected": report.rejected,
            "counts": report.counts(),
            "changed": report.changed,
            "nothing_new": report.nothing_new,
            "rejects": [
                {"row": reject.row.number, "reason": reject.reason}
                for reject in self._rejects()[:_SHOWN]
            ],
            "accepted": self._accepted,
        }

    @property
    def rejects_file(self) -> str:
        """All rejects as CSV; empty where there is none."""
        if not self._rejected:
            return ""
        stream = io.StringIO(newline="")
        write = RejectWriter(stream, self._columns)
        for reject in self._rejects():
            write(reject)
        return stream.getvalue()
