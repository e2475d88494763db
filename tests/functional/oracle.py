"""The rules once more, in the plainest Python, sharing no code with what is tested."""

import csv
from collections import defaultdict
from pathlib import Path

Allocations = dict[tuple[str, str], tuple[int, str]]
"""For each order and SKU its quantity, and its batch, "" for a backorder."""


def expected_allocations(batches: Path, orders: Path) -> Allocations:
    """What is in the database when these two files went in."""
    free: dict[str, int] = {}
    references: dict[str, list[str]] = defaultdict(list)
    for row in _rows(batches):
        free[row["reference"]] = int(row["qty"])
        references[row["sku"]].append(row["reference"])
    # "" sorts before every date, and dates written so sort as they follow each other.
    due = {row["reference"]: row["eta"] for row in _rows(batches)}
    result: Allocations = {}
    for (orderid, sku), quantity in _lines(orders).items():
        in_order = sorted(references[sku], key=lambda reference: (due[reference], reference))
        roomy = [reference for reference in in_order if free[reference] >= quantity]
        if roomy:
            free[roomy[0]] -= quantity
        result[orderid, sku] = (quantity, roomy[0] if roomy else "")
    return result


def _lines(orders: Path) -> dict[tuple[str, str], int]:
    """The quantity of every line, in the order in which they first appear."""
    lines: dict[tuple[str, str], int] = defaultdict(int)
    for row in _rows(orders):
        if int(row["Quantity"]) >= 1:
            lines[row["InvoiceNo"], row["StockCode"]] += int(row["Quantity"])
    return lines


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
