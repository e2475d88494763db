"""Promise 15: what Django loads lazily is the adopter's to allow or to refuse."""

from __future__ import annotations

from typing import Any

import django
import pytest
from django.core.exceptions import FieldError
from django.db import connections, models
from django.test.utils import CaptureQueriesContext

from allocation.uow.django import DjangoRepository, DjangoUnitOfWork
from tests.kernel.models import Line, Order, Product


@pytest.fixture
def stored(alias: str) -> Line:
    """A line with its product."""
    product = Product.objects.using(alias).create(name="a")
    order = Order.objects.using(alias).create(customer="c")
    return Line.objects.using(alias).create(order=order, product=product, qty=1)


class TestLazyLoads:
    def test_of_what_was_read_along_do_not_happen(self, alias: str, stored: Line) -> None:
        class Lines(DjangoRepository[Line]):
            @property
            def objects(self) -> models.QuerySet[Line]:
                return super().objects.select_related("product")

        class UnitOfWork(DjangoUnitOfWork):
            lines = Lines(Line)

        with UnitOfWork(alias) as uow:
            line = uow.lines.get(stored.pk)
            uow.commit()
        with CaptureQueriesContext(connections[alias]) as queries:
            assert line.product == stored.product
        assert not queries.captured_queries

    if django.VERSION >= (6, 1):

        def test_can_be_refused(self, alias: str, stored: Line) -> None:
            class Lines(DjangoRepository[Line]):
                @property
                def objects(self) -> Any:
                    return super().objects.fetch_mode(models.FETCH_RAISE)

            class UnitOfWork(DjangoUnitOfWork):
                lines = Lines(Line)

            with UnitOfWork(alias) as uow:
                line = uow.lines.get(stored.pk)
                uow.commit()
            with pytest.raises(FieldError, match="blocked"):
                _ = line.product
