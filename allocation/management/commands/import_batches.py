from __future__ import annotations

from typing import Any, Unpack

from allocation.management.file_command import FileCommand, How
from allocation.service_layer import bulk
from allocation.service_layer.bulk_reports import ImportReport
from allocation.service_layer.csv_files import CsvFile


class Command(FileCommand[ImportReport]):
    help = (
        "Take the batches of a CSV file into stock. Its columns are reference, sku, qty and eta "
        "(YYYY-MM-DD, empty for stock in the warehouse). Batches that are there already are passed "
        "over, and a known reference with other data is rejected: so it can be run again. Rejected "
        "rows stop nothing, and the exit status is 0."
    )
    examples = """
        import_batches batches.csv
        import_batches batches.csv --rejects rejects.csv
        import_batches - --dry-run < batches.csv
    """

    def process(self, file: CsvFile, options: dict[str, Any], **how: Unpack[How]) -> ImportReport:
        return bulk.import_batches(file, **how)
