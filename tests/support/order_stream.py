"""A wholesaler's order stream, and the stock for it: the real one, or one made up like it.

The real one lies beside the repository on some machines only; what is made up
has its size and its dirt, so that the same tests run everywhere.
"""

import csv
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

_SHARED: Final = Path(__file__).resolve().parents[3] / "shared" / "data"
_HEADER: Final = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
]
_FEES: Final = ["POST", "DOT", "BANK CHARGES", "AMAZONFEE", "M", "m", "gift_0001_40"]

Row = list[str]


@dataclass(frozen=True)
class Stream:
    """Two CSV files, and how many of everything a correct run finds in them."""

    batches: Path
    orders: Path
    batch_count: int
    row_count: int
    line_count: int
    reject_count: int

    @property
    def order_arguments(self) -> list[str]:
        """What `allocate_orders` is called with."""
        return [
            str(self.orders),
            "--orderid-column=InvoiceNo",
            "--sku-column=StockCode",
            "--qty-column=Quantity",
        ]


def order_stream(folder: Path) -> Stream:
    """The real stream where it is there, else one of the same size in `folder`."""
    real = Stream(
        batches=_SHARED / "batches_2010-12.csv",
        orders=_SHARED / "online_retail_2010-12-01_2011-01-09.csv",
        batch_count=8_574,
        row_count=49_999,
        line_count=47_957,
        reject_count=1_008,
    )
    if real.orders.exists() and real.batches.exists():
        return real
    return made_up_stream(folder, skus=2_858, lines=47_957, merged=1_034, rejects=1_008)


def made_up_stream(
    folder: Path, *, skus: int, lines: int, merged: int, rejects: int, unknown_skus: int = 0
) -> Stream:
    """The same stream for the same numbers. Of its SKUs, `unknown_skus` have no batch."""
    dice = random.Random(f"{skus} {lines} {merged} {rejects}")  # noqa: S311 - no secret
    codes = [*_FEES, *(_code(dice, number) for number in range(skus - len(_FEES)))]
    rows = list(_good_rows(dice, codes, lines))
    demand = Counter[str]()
    for position in sorted(dice.sample(range(lines), merged), reverse=True):
        again = rows[position].copy()
        again[3] = str(dice.randint(1, 12))
        rows.insert(position + dice.randint(1, 9), again)
    for row in rows:
        demand[row[1]] += int(row[3])
    for position in sorted(dice.sample(range(len(rows)), rejects), reverse=True):
        rows.insert(position, _cancelled(dice, rows[position]))
    known = codes[: skus - unknown_skus]
    batches = [batch for code in known for batch in _batches(code, demand[code])]
    return Stream(
        batches=_write(folder / "batches.csv", ["reference", "sku", "qty", "eta"], batches),
        orders=_write(folder / "orders.csv", _HEADER, rows),
        batch_count=len(batches),
        row_count=len(rows),
        line_count=lines,
        reject_count=rejects,
    )


def _code(dice: random.Random, number: int) -> str:
    # As in the real one: five digits, now and then with a letter, in either case.
    return f"{10_000 + number * 7}{dice.choice(['', '', '', 'A', 'b', 'L'])}"


def _good_rows(dice: random.Random, codes: Sequence[str], lines: int) -> Iterator[Row]:
    # Some SKUs are in every other order, most in few: 1/rank, and each at least once.
    weights = [1 / rank for rank in range(1, len(codes) + 1)]
    unseen = list(reversed(codes))
    made = 0
    for invoice in count(536_365):
        wanted = dict.fromkeys(unseen[-2:] + dice.choices(codes, weights, k=dice.randint(1, 40)))
        del unseen[-2:]
        for code in list(wanted)[: lines - made]:
            made += 1
            yield _row(dice, str(invoice), code, dice.choice([1, 1, 2, 3, 4, 6, 8, 12, 24, 48]))
        if made == lines:
            return


def _row(dice: random.Random, invoice: str, code: str, quantity: int) -> Row:
    description = dice.choice(["LANTERN, WHITE", '6" RULER', "TEA CADDY", "BOÎTE À THÉ", "", "BAG"])
    when = f"2010-12-{1 + int(invoice) % 28:02}T08:26:00"
    price = f"{dice.randint(1, 999) / 100}"
    return [invoice, code, description, str(quantity), when, price, "", "United Kingdom"]


def _cancelled(dice: random.Random, row: Row) -> Row:
    """A row that is no line, of the same SKU: mostly of an order of its own, not always."""
    quantity = dice.choice(["-1", "-2", "-12", "-24", "0"])
    invoice = dice.choice([f"C{row[0]}", f"C{row[0]}", row[0]])
    return [invoice, *row[1:3], quantity, *row[4:]]


def _batches(code: str, demand: int) -> Iterator[Row]:
    """Half of the demand in the warehouse, and not all of the rest on ships."""
    parts = [("STOCK", 0.5, ""), ("SHIP-2011-01-17", 0.3, "2011-01-17")]
    parts.append(("SHIP-2011-02-14", 0.15, "2011-02-14"))
    for prefix, share, eta in parts:
        yield [f"{prefix}-{code}", code, str(max(1, round(demand * share))), eta]


def _write(path: Path, header: Row, rows: Sequence[Row]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path
