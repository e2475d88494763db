"""Rows as the tests need them, put there without the code under test."""

from __future__ import annotations

from typing import Any

import factory
from django.db.models import Model

from allocation import models


class _Factory(factory.django.DjangoModelFactory[Any]):
    """Takes the database as `using`."""

    class Meta:
        abstract = True

    @classmethod
    def _create(cls, model_class: type[Model], *args: Any, using: str, **kwargs: Any) -> Any:
        return model_class._default_manager.using(using).create(*args, **kwargs)


class BatchFactory(_Factory):
    class Meta:
        model = models.Batch

    reference = factory.Sequence(lambda n: f"batch-{n}")
    sku = "LAMP"
    purchased_quantity = 100
    allocated_quantity = 0


class OrderLineFactory(_Factory):
    """A backorder, unless it is given a batch and a position."""

    class Meta:
        model = models.OrderLine

    orderid = factory.Sequence(lambda n: f"order-{n}")
    sku = "LAMP"
    qty = 1
