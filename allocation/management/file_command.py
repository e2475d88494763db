"""What the commands that read a CSV file have in common."""

from __future__ import annotations

import argparse
import bisect
import dataclasses
import gc
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypedDict, TypeVar, Unpack

from django.core.management.base import CommandError, CommandParser

from allocation import bootstrap
from allocation.management.base import AllocationCommand, whole_number
from allocation.management.files import STANDARD, reading, replacing
from allocation.management.output import ProgressBar, summary
from allocation.service_layer import bulk
from allocation.service_layer.bulk_reports import AllocationReport, ImportReport
from allocation.service_layer.csv_files import (
    CsvFile,
    Reject,
    RejectSink,
    RejectWriter,
    UnreadableFile,
)

_SHOWN_REJECTS = 10

Report = TypeVar("Report", ImportReport, AllocationReport)


class How(TypedDict):
    """What every bulk use case takes beside its file."""

    run: bulk.Runner
    reject: RejectSink
    chunk_size: int | None
    progress: bulk.Progress


def _chunk_size(argument: str) -> int:
    number = whole_number(argument)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{argument} is less than 1.")
    return number


class FileCommand(AllocationCommand, Generic[Report]):
    """Reads a CSV file, keeps the rows that were rejected, and reports what became of the rest."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE", help=f'CSV in UTF-8; "{STANDARD}" for stdin.')
        parser.add_argument(
            "--rejects",
            metavar="FILE",
            help="Where to put the rows that were rejected, as CSV: the columns of FILE, then "
            "`row` (the header is row 1) and `reason`. It can be corrected and read again.",
        )
        parser.add_argument(
            "--chunk-size",
            type=_chunk_size,
            default=bulk.CHUNK_SIZE,
            metavar="N",
            help="So many are stored in one transaction. Defaults to %(default)s.",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Tell what would happen, and write nothing. It decides about all rows at once, "
            "and for so long other writers of the same SKUs wait.",
        )

    def handle(self, **options: Any) -> None:
        path, rejects = options["file"], options["rejects"]
        _refuse_to_overwrite(path, rejects)
        sample: list[Reject] = []
        with ExitStack() as stack:
            stack.enter_context(_without_collector())
            keep = not options["dry_run"]
            out = rejects and stack.enter_context(replacing(rejects, keep=keep))
            stream = stack.enter_context(reading(path))
            try:
                file = CsvFile(stream)
                reject = RejectWriter(out, file.columns) if out else _first_into(sample)
                report = self.process(file, options, **self._how(options, reject))
            except UnreadableFile as error:
                raise CommandError(f"{path}: {error}") from error
        self.answer(options, self.text(report, options), self.data(report))
        self._tell_rejected(report.rejected, sample, options)

    @abstractmethod
    def process(self, file: CsvFile, options: dict[str, Any], **how: Unpack[How]) -> Report:
        """Call the service; returns its report."""

    def text(self, report: Report, options: dict[str, Any]) -> str:
        """The report in words."""
        counts = summary(self.numbers(report))
        if options["dry_run"]:
            return f"{counts}\nA dry run: nothing was written."
        if report.changed:
            return counts
        return f"{counts}\nNothing changed: {report.nothing_new}"

    def numbers(self, report: Report) -> dict[str, int | float]:
        """The numbers of the report, and what they count."""
        return {f"{'  ' * part}{label}": number for label, number, part in report.counts()}

    def data(self, report: Report) -> dict[str, int | float]:
        """The report as data."""
        return dataclasses.asdict(report)

    def _how(self, options: dict[str, Any], reject: RejectSink) -> How:
        using, dry_run = options["database"], options["dry_run"]
        return How(
            run=partial(bootstrap.rehearse, using=using) if dry_run else self.runner(using),
            reject=reject,
            # Nothing that a rehearsal did is there for the next one to see.
            chunk_size=None if dry_run else options["chunk_size"],
            progress=ProgressBar(self.stderr),
        )

    def _tell_rejected(self, count: int, sample: list[Reject], options: dict[str, Any]) -> None:
        if not count:
            return
        if options["rejects"]:
            if not options["dry_run"]:
                self.say(options, f"The rejected rows, {count:,}, are in {options['rejects']}.")
            return
        for reject in sample:
            self.say(options, f"Row {reject.row.number} is rejected: {reject.reason}")
        if count > len(sample):
            self.say(
                options, f"So are {count - len(sample):,} more. --rejects FILE keeps them all."
            )


@contextmanager
def _without_collector() -> Iterator[None]:
    """Pause Python's search for circles of objects.

    There are none here: what a chunk made is freed when it is done. Looking
    through hundreds of thousands of objects again and again takes as long as
    the work itself.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _first_into(sample: list[Reject]) -> RejectSink:
    """Keep those of the first rows, whatever order they come in."""

    def reject(rejected: Reject) -> None:
        bisect.insort(sample, rejected, key=lambda kept: kept.row.number)
        del sample[_SHOWN_REJECTS:]

    return reject


def _refuse_to_overwrite(path: str, rejects: str | None) -> None:
    if rejects == STANDARD:
        raise CommandError("The rejects need a file of their own: name one after --rejects.")
    if rejects is None or path == STANDARD:
        return
    source, target = Path(path), Path(rejects)
    if source.is_file() and target.exists() and source.samefile(target):
        raise CommandError(f"The rejects would overwrite {path} itself: name another file.")
