"""The ways to allocate an order line that are compared, on the same tables.

All of them do the same work: lock the batches of the SKU, choose the first with
room, count the line in, insert it, commit. Ours does more: it reads whether the
line is there already, and answers where.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from benchmarks.peers import book, constant_sql, django_orm, sqlalchemy_orm, unit_of_work

Allocate = Callable[[str, str, int], str]
"""Allocates so many units of a SKU to an order; returns the reference of the batch."""

DJANGO: Final = "Django ORM by hand"
OURS: Final = "unit of work"

POSTGRESQL: Final[dict[str, Callable[[], Allocate]]] = {
    DJANGO: lambda: django_orm.connect("postgresql"),
    f"{DJANGO}, prepared": lambda: django_orm.connect("prepared"),
    "SQLAlchemy ORM by hand": sqlalchemy_orm.connect,
    "the book's way, on Django": lambda: book.connect("postgresql"),
    f"{OURS}, not prepared": lambda: unit_of_work.connect("postgresql"),
    OURS: lambda: unit_of_work.connect("prepared"),
    "its SQL as constants, on Django's cursor": lambda: constant_sql.connect_django("prepared"),
    "psycopg": constant_sql.connect,
    "psycopg, pipelined": constant_sql.connect_pipelined,
}

SQLITE: Final[dict[str, Callable[[], Allocate]]] = {
    DJANGO: lambda: django_orm.connect("default"),
    OURS: lambda: unit_of_work.connect("default"),
    "its SQL as constants, on Django's cursor": lambda: constant_sql.connect_django("default"),
}
