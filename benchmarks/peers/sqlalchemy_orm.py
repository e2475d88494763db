"""What one writes by hand who knows SQLAlchemy's ORM well, and wants it fast."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date

from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class Batch(Base):
    __tablename__ = "allocation_batch"

    reference: Mapped[str] = mapped_column(primary_key=True)
    sku: Mapped[str]
    purchased_quantity: Mapped[int]
    allocated_quantity: Mapped[int] = mapped_column(default=0)
    lines_taken: Mapped[int] = mapped_column(default=0)
    eta: Mapped[date | None]


class OrderLine(Base):
    __tablename__ = "allocation_orderline"

    id: Mapped[int] = mapped_column(primary_key=True)
    orderid: Mapped[str]
    sku: Mapped[str]
    qty: Mapped[int]
    batch_id: Mapped[str | None] = mapped_column(ForeignKey(Batch.reference))
    position: Mapped[int | None]


def engine() -> Engine:
    url = os.environ["BENCHMARK_POSTGRESQL"]
    return create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))


def connect() -> Callable[[str, str, int], str]:
    database = engine()

    def allocate(orderid: str, sku: str, qty: int) -> str:
        with Session(database) as session, session.begin():
            batches = session.scalars(
                select(Batch)
                .where(Batch.sku == sku)
                .order_by(Batch.sku, Batch.reference)
                .with_for_update()
            )
            batch: Batch = next(
                b for b in batches if b.purchased_quantity - b.allocated_quantity >= qty
            )
            batch.allocated_quantity += qty
            batch.lines_taken += 1
            session.add(
                OrderLine(
                    orderid=orderid,
                    sku=sku,
                    qty=qty,
                    batch_id=batch.reference,
                    position=batch.lines_taken,
                )
            )
            reference: str = batch.reference
            return reference

    return allocate
