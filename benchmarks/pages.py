"""What the pages cost where there is much to show: `python -m benchmarks.pages`.

On a PostgreSQL server of its own, with 100,000 batches and 1,000,000 order lines.
See README.md.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from http import HTTPStatus
from itertools import chain, product
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import django
from django.apps import apps
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import setup_test_environment

from tests.support.databases import postgresql_server
from tests.support.routes import path, routes

_FILL: Final = Path(__file__).resolve().parent / "pages.sql"
_RUNS: Final = 5
_SLOWEST: Final = 12
_MOST_QUERIES: Final = 25
_TABLES: Final = {"allocation_batch", "allocation_orderline"}
_TRANSACTION: Final = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")

_FILE: Final = b"orderid,sku,qty\nnew,POPULAR,1\nnew,POPULAR,none\n"
# What the URLs name: of each kind the one with most to show.
_ARGUMENTS: Final = {
    "reference": "busy",
    "orderid": "order-long",
    "sku": "POPULAR",
    "pk": "1",
    "app_label": "allocation",
    "content_type_id": "1",
    "url": "nowhere",
}
_PLACE: Final = re.compile("after=[^&]+")
_LINK: Final = re.compile(r'href="(\?[^"]+)"')
_BATCH_ORDERS: Final = ["reference", "sku", "eta", "free_quantity"]
_SEARCHES: Final = {
    "batches/": {
        "state": ["", "warehouse", "way", "late", "low", "full"],
        "sort": [*_BATCH_ORDERS, *(f"-{column}" for column in _BATCH_ORDERS)],
        "q": ["", "batch-", "batch-00123", "SKU-0123", "POPULAR", "nothing"],
    },
    "lines/": {
        "state": ["", "backorders"],
        "sort": ["id", "-id"],
        "q": ["", "order-", "order-0012", "SKU-0123", "POPULAR", "WANTED", "BUSY", "nothing"],
    },
    "history/": {"batch": ["", "busy", "nothing"], "order": ["", "order-long", "nothing"]},
    "batch/<name:reference>/quantity/": {"qty": ["100"]},
    "sku/<name:sku>/": {"qty": ["1", "2000000000"]},
}
_SORTED: Final = {
    "batches/": ("Batch", _SEARCHES["batches/"]["sort"]),
    "lines/": ("OrderLine", _SEARCHES["lines/"]["sort"]),
    "history/": ("HistoryEntry", ["-id"]),
}


@dataclass(frozen=True)
class Visit:
    """What a page cost."""

    url: str
    queries: int
    seconds: float
    rows: int
    """Rows of batches and lines that the database looked at."""
    scans: list[str]
    """The queries that read batches or lines from the one end of the table to the other."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=100_000, help="Defaults to %(default)s.")
    parser.add_argument("--lines", type=int, default=1_000_000, help="Defaults to %(default)s.")
    numbers = vars(parser.parse_args())
    os.environ.pop("DATABASE_URL", None)  # never somebody's own
    with postgresql_server() as url:
        os.environ |= {
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "uow_project.settings",
            "DEBUG": "true",  # no https, and the static files under their own names
        }
        django.setup()
        setup_test_environment(debug=False)
        _fill(numbers)
        visits = list(_visits())
        connection.close()
    _report(visits)
    sys.exit(any(visit.scans or visit.queries >= _MOST_QUERIES for visit in visits))


def _fill(numbers: dict[str, int]) -> None:
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(_FILL.read_text(encoding="utf-8"), numbers)
        cursor.execute("VACUUM (ANALYZE)")


def _report(visits: list[Visit]) -> None:
    print("| page | queries | time | rows |\n|---|---|---|---|")  # noqa: T201
    for visit in sorted(visits, key=lambda visit: -visit.seconds)[:_SLOWEST]:
        url, time_ = _PLACE.sub("after=…", visit.url), f"{visit.seconds * 1000:.0f} ms"
        print(f"| `{url}` | {visit.queries} | {time_} | {visit.rows:,} |")  # noqa: T201
    median = statistics.median(visit.seconds for visit in visits)
    most = max(visit.queries for visit in visits)
    print(f"{len(visits)} pages, median {median * 1000:.0f} ms, at most {most} queries")  # noqa: T201
    for visit in visits:
        for scan in visit.scans:
            print(f"Reads a whole table: {visit.url}\n    {scan}")  # noqa: T201


def _visits() -> Iterator[Visit]:
    client = Client()
    # Not a superuser, whose permissions nobody looks up.
    clerk = get_user_model().objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(apps.get_model("auth", "Permission").objects.all())
    client.force_login(clerk)
    client.post("/uploads/orders/", {"file": SimpleUploadedFile("orders.csv", _FILE)})
    for url in chain.from_iterable(map(_urls, routes())):
        response = client.get(url)
        if response.status_code != HTTPStatus.OK:
            print(f"Left out, as it answers {response.status_code}: {url}")  # noqa: T201
            continue
        yield _visit(client, url)
        if url.startswith("/admin/"):
            # Its filters, orders and pages.
            for link in sorted(set(_LINK.findall(response.content.decode()))):
                yield _visit(client, f"{url}{unescape(link)}")


def _urls(route: str) -> Iterator[str]:
    """A page; a list with each of its searches, and from the middle of each of its orders."""
    url = path(route, _ARGUMENTS | _key(route))
    yield url
    if searches := _SEARCHES.get(route):
        for values in product(*searches.values()):
            yield f"{url}?{urlencode(dict(zip(searches, values, strict=True)))}"
    model, orders = _SORTED.get(route, ("", []))
    for order in orders:
        yield f"{url}?sort={order}&{_middle(model, order)}"


def _key(route: str) -> dict[str, str]:
    """What the page of the admin about one row names."""
    found = re.fullmatch(r"admin/(\w+)/(\w+)/<.*", route)
    if found is None:
        return {"object_id": "1"}
    rows = apps.get_model(found[1], found[2])._default_manager
    key = "busy" if found[2] == "batch" else rows.values_list("pk", flat=True)[:1].get()
    return {"object_id": quote(str(key)), "id": str(key)}


def _middle(model: str, order: str) -> str:
    """The query string of the page in the middle of a list."""
    from allocation.entrypoints.paging import paginate  # needs the settings

    rows = apps.get_model("allocation", model)._default_manager.all()
    middle = rows.count() // 2
    two = rows.filter(pk__in=[row.pk for row in rows.order_by(order)[middle : middle + 2]])
    return paginate(two, order, {}, size=1).next


def _visit(client: Client, url: str) -> Visit:
    sent: list[tuple[str, Any]] = []

    def record(execute: Any, sql: str, *arguments: Any) -> Any:
        sent.append((sql, arguments[0]))
        return execute(sql, *arguments)

    with connection.execute_wrapper(record):
        client.get(url)
    read = {
        sql: list(_scans(_plan(sql, params))) for sql, params in sent if sql.startswith("SELECT")
    }
    return Visit(
        url,
        queries=sum(not sql.startswith(_TRANSACTION) for sql, _ in sent),
        seconds=min(_seconds(client, url) for _ in range(_RUNS)),
        rows=sum(_rows(scan) for scans in read.values() for scan in scans),
        scans=[sql for sql, scans in read.items() if any(map(_is_sequential, scans))],
    )


def _seconds(client: Client, url: str) -> float:
    started = time.perf_counter()
    client.get(url)
    return time.perf_counter() - started


def _plan(sql: str, params: Any) -> dict[str, Any]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
        [[explained]] = cursor.fetchall()
    plan: dict[str, Any] = explained[0]["Plan"]
    return plan


def _scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """How a plan reads batches and lines."""
    if plan.get("Relation Name") in _TABLES and "Scan" in plan["Node Type"]:
        yield plan
    for part in plan.get("Plans", ()):
        yield from _scans(part)


def _is_sequential(scan: dict[str, Any]) -> bool:
    return "Seq Scan" in scan["Node Type"]


def _rows(scan: dict[str, Any]) -> int:
    looked_at = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    return int(sum(scan.get(name, 0) for name in looked_at) * scan["Actual Loops"])


if __name__ == "__main__":
    main()
