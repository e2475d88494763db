"""What the commands that read a CSV file have in common."""

from __future__ import annotations

import argparse
import dataclasses
from abc import abstractmethod
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from django.core.management.base import CommandError, CommandParser

from allocation.management.base import AllocationCommand, whole_number
from allocation.management.files import STANDARD, reading, replacing
from allocation.service_layer import bulk
from allocation.service_layer.csv_files import (
    CsvFile,
    Reject,
    RejectSink,
    RejectWriter,
    UnreadableFile,
)

_SHOWN_REJECTS = 10

Report = TypeVar("Report", bulk.ImportReport, bulk.AllocationReport)


def _chunk_size(argument: str) -> int:
    number = whole_number(argument)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{argument} is less than 1.")
    return number


class FileCommand(AllocationCommand):
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

    def handle(self, **options: Any) -> None:
        path, rejects = options["file"], options["rejects"]
        _refuse_to_overwrite(path, rejects)
        sample: list[Reject] = []
        with ExitStack() as stack:
            keep = not options.get("dry_run", False)
            out = rejects and stack.enter_context(replacing(rejects, keep=keep))
            stream = stack.enter_context(reading(path))
            try:
                file = CsvFile(stream)
                reject = RejectWriter(out, file.columns) if out else _first_into(sample)
                report = self.process(file, reject, options)
            except UnreadableFile as error:
                raise CommandError(f"{path}: {error}") from error
        self.answer(options, self.text(report, options), self.data(report))
        self._tell_rejected(report.rejected, sample, options)

    @abstractmethod
    def process(self, file: CsvFile, reject: RejectSink, options: dict[str, Any]) -> Any:
        """Call the service; returns its report."""

    @abstractmethod
    def text(self, report: Any, options: dict[str, Any]) -> str:
        """The report in words."""

    def data(self, report: Any) -> dict[str, int | float]:
        """The report as data."""
        return dataclasses.asdict(report)

    def _tell_rejected(self, count: int, sample: list[Reject], options: dict[str, Any]) -> None:
        if not count:
            return
        if options["rejects"]:
            if not options.get("dry_run"):
                self.say(options, f"The rejected rows, {count:,}, are in {options['rejects']}.")
            return
        for reject in sample:
            self.say(options, f"Row {reject.row.number} is rejected: {reject.reason}")
        if count > len(sample):
            self.say(
                options, f"So are {count - len(sample):,} more. --rejects FILE keeps them all."
            )


def _first_into(sample: list[Reject]) -> RejectSink:
    def reject(rejected: Reject) -> None:
        if len(sample) < _SHOWN_REJECTS:
            sample.append(rejected)

    return reject


def _refuse_to_overwrite(path: str, rejects: str | None) -> None:
    if rejects == STANDARD:
        raise CommandError("The rejects need a file of their own: name one after --rejects.")
    if rejects is None or path == STANDARD:
        return
    source, target = Path(path), Path(rejects)
    if source.is_file() and target.exists() and source.samefile(target):
        raise CommandError(f"The rejects would overwrite {path} itself: name another file.")
