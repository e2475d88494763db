from __future__ import annotations

from typing import Any

from allocation.management.file_command import FileCommand
from allocation.management.output import ProgressBar, summary
from allocation.service_layer import bulk
from allocation.service_layer.csv_files import CsvFile, RejectSink


class Command(FileCommand):
    help = (
        "Take the batches of a CSV file into stock. Its columns are reference, sku, qty and eta "
        "(YYYY-MM-DD, empty for stock in the warehouse). Batches that are there already are passed "
        "over, and a known reference with other data is rejected: so it can be run again. Rejected "
        "rows stop nothing, and the exit status is 0."
    )
    examples = """
        import_batches batches.csv
        import_batches batches.csv --rejects rejects.csv
        import_batches - < batches.csv
    """

    def process(
        self, file: CsvFile, reject: RejectSink, options: dict[str, Any]
    ) -> bulk.ImportReport:
        return bulk.import_batches(
            file,
            self.runner(options["database"]),
            reject=reject,
            chunk_size=options["chunk_size"],
            progress=ProgressBar(self.stderr),
        )

    def text(self, report: bulk.ImportReport, options: dict[str, Any]) -> str:
        counts = summary(
            {
                "rows read": report.read,
                "added": report.added,
                "unchanged": report.unchanged,
                "rejected": report.rejected,
                "  known with other data": report.conflicts,
            }
        )
        return counts if report.added else f"{counts}\nNothing changed: there is no new batch."
