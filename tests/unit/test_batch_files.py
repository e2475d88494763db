import io
from datetime import date

import pytest

from allocation.domain.model import Batch
from allocation.service_layer.batch_files import read_batches
from allocation.service_layer.csv_files import CsvFile, MissingColumn, Reject


def read(*rows: str) -> tuple[list[tuple[int, Batch]], list[Reject]]:
    rejects: list[Reject] = []
    file = CsvFile(io.BytesIO("\n".join(["reference,sku,qty,eta", *rows]).encode()))
    return [(row.number, batch) for row, batch in read_batches(file, rejects.append)], rejects


class TestReadBatches:
    def test_reads_stock_and_shipments(self) -> None:
        [(two, stock), (three, ship)], _ = read(" b1,LAMP , 3,", "b2,LAMP,4,2011-01-17")

        assert (two, three) == (2, 3)
        assert (stock.reference, stock.sku, stock.purchased_quantity, stock.eta) == (
            *("b1", "LAMP", 3),
            None,
        )
        assert ship.eta == date(2011, 1, 17)

    @pytest.mark.parametrize(
        "row", [",LAMP,3,", "b1,,3,", "b1,LAMP,0,", "b1,LAMP,,", "b1,LAMP,3,tomorrow", "b1,LAMP,3"]
    )
    def test_rejects_what_cannot_be_a_batch_and_goes_on(self, row: str) -> None:
        [(number, _)], [reject] = read(row, "b2,LAMP,3,")

        assert (reject.row.number, number) == (2, 3)

    def test_needs_all_its_columns(self) -> None:
        file = CsvFile(io.BytesIO(b"reference,sku,qty\n"))
        rejects: list[Reject] = []
        with pytest.raises(MissingColumn, match="no column eta"):
            list(read_batches(file, rejects.append))
