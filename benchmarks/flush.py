"""The flush of 10,000 new, changed and removed entities: milliseconds."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, Final

import psycopg
from django.db import transaction
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocation.adapters.unit_of_work import AllocationUnitOfWork
from allocation.domain import model
from allocation.uow.django import DjangoRepository, DjangoUnitOfWork
from benchmarks import stock
from benchmarks.models import BatchRow
from benchmarks.peers import sqlalchemy_orm
from benchmarks.timing import Sample, seconds, table

_KINDS: Final = ("new", "changed", "removed")
_UNNEST: Final = "unnest: a bare statement"
_SQLALCHEMY: Final = "SQLAlchemy ORM"

Flush = Callable[[], object]
Prepare = Callable[[str, int], Generator[Flush]]
"""Gives the flush of so many entities of a kind; what it did is undone when it is closed."""


class _ModelUnitOfWork(DjangoUnitOfWork):
    batches = DjangoRepository(BatchRow)


def run(*, rounds: int, entities: int) -> Iterator[str]:
    for kind in _KINDS:
        samples = {name: Sample(name) for name in _PEERS}
        for _ in range(rounds):
            for name, prepare in _PEERS.items():
                _stock(0 if kind == "new" else entities)
                block = prepare(kind, entities)
                samples[name].values.append(seconds(next(block)) * 1000)
                block.close()
        yield from table(
            f"Flush of {entities:,} {kind} entities", "ms", [*samples.values()], samples[_UNNEST], 1
        )


def _stock(entities: int) -> None:
    stock.clear("postgresql")
    BatchRow.objects.using("postgresql").bulk_create(_instances(entities))
    stock.analyze("postgresql")


def _instances(entities: int) -> list[BatchRow]:
    return [
        BatchRow(reference=f"batch-{number}", sku="sku", purchased_quantity=1)
        for number in range(entities)
    ]


def _model_instances(kind: str, entities: int) -> Generator[Flush]:
    with _ModelUnitOfWork("prepared") as uow:
        if kind == "new":
            for instance in _instances(entities):
                uow.batches.add(instance)
        else:
            for batch in uow.batches.list():
                if kind == "changed":
                    batch.purchased_quantity = 2
                else:
                    uow.batches.remove(batch)
        yield uow.flush
        uow.rollback()


def _plain_objects(kind: str, entities: int) -> Generator[Flush]:
    with AllocationUnitOfWork("prepared") as uow:
        if kind == "new":
            for number in range(entities):
                uow.batches.add(model.Batch(f"batch-{number}", "sku", 1, None))
        else:
            for batch in uow.batches.list():
                if kind == "changed":
                    batch.change_purchased_quantity(2)
                else:
                    uow.batches.remove(batch)
        yield uow.flush
        uow.rollback()


_STATEMENTS: Final = {
    "new": (
        """
        INSERT INTO allocation_batch
            (reference, sku, purchased_quantity, allocated_quantity, lines_taken, eta)
        SELECT * FROM unnest
            (%s::varchar[], %s::varchar[], %s::integer[], %s::integer[], %s::bigint[], %s::date[])
        """,
        ("reference", "sku", "purchased_quantity", "allocated_quantity", "lines_taken", "eta"),
    ),
    "changed": (
        """
        UPDATE allocation_batch AS b SET purchased_quantity = v.purchased_quantity
        FROM unnest(%s::varchar[], %s::integer[]) AS v (reference, purchased_quantity)
        WHERE b.reference = v.reference
        """,
        ("reference", "purchased_quantity"),
    ),
    "removed": (
        "DELETE FROM allocation_batch WHERE reference IN (SELECT unnest(%s::varchar[]))",
        ("reference",),
    ),
}


def _unnest(kind: str, entities: int) -> Generator[Flush]:
    sql, names = _STATEMENTS[kind]
    batches = [model.Batch(f"batch-{number}", "sku", 2, None) for number in range(entities)]
    with psycopg.connect(os.environ["BENCHMARK_POSTGRESQL"]) as connection:
        connection.execute("SELECT 1")

        def write() -> None:
            connection.execute(sql.encode(), [[getattr(b, n) for b in batches] for n in names])

        yield write
        connection.rollback()


def _sqlalchemy(kind: str, entities: int) -> Generator[Flush]:
    with Session(sqlalchemy_orm.engine()) as session:
        session.connection()
        loaded: Sequence[Any] = session.scalars(select(sqlalchemy_orm.Batch)).all()
        if kind == "new":
            for number in range(entities):
                session.add(
                    sqlalchemy_orm.Batch(
                        reference=f"batch-{number}", sku="sku", purchased_quantity=1
                    )
                )
        for batch in loaded:
            if kind == "changed":
                batch.purchased_quantity = 2
            else:
                session.delete(batch)
        yield session.flush
        session.rollback()


def _bulk_methods(kind: str, entities: int) -> Generator[Flush]:
    batches = BatchRow.objects.using("postgresql")
    with transaction.atomic("postgresql"):
        if kind == "new":
            instances = _instances(entities)
            yield lambda: batches.bulk_create(instances)
        elif kind == "changed":
            loaded = list(batches)
            for batch in loaded:
                batch.purchased_quantity = 2
            yield lambda: batches.bulk_update(loaded, ["purchased_quantity"])
        else:
            keys = [batch.pk for batch in batches]
            yield batches.filter(pk__in=keys).delete
        transaction.set_rollback(True, "postgresql")  # noqa: FBT003 - Django's signature


_PEERS: Final[dict[str, Prepare]] = {
    _UNNEST: _unnest,
    "unit of work, plain objects": _plain_objects,
    "unit of work, model instances": _model_instances,
    "Django's bulk methods": _bulk_methods,
    _SQLALCHEMY: _sqlalchemy,
}
