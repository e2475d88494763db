"""Foreign keys on which the database itself acts, as it can from Django 6.1 on."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections, models
from django.test.utils import CaptureQueriesContext

from allocation.uow.django import DjangoRepository, DjangoUnitOfWork
from tests.conftest import Fetch
from tests.kernel.shop import BASKET, Basket, ShopUnitOfWork

CASCADE: Any = getattr(models, "DB_CASCADE", None)

if CASCADE is not None:

    class Shelf(models.Model):  # noqa: DJ008  # it needs no name for people
        code = models.CharField(max_length=20, unique=True)

        class Meta:
            app_label = "kernel"
            managed = False  # made where it is needed

    class Book(models.Model):  # noqa: DJ008  # the same
        shelf = models.ForeignKey(Shelf, on_delete=CASCADE)

        class Meta:
            app_label = "kernel"
            managed = False

    class LibraryUnitOfWork(DjangoUnitOfWork):
        shelves = DjangoRepository(Shelf)
        books = DjangoRepository(Book)

    def test_a_child_that_moved_is_not_deleted_with_its_former_parent(
        alias: str, fetch: Fetch
    ) -> None:
        for model in (Shelf, Book):
            with connections[alias].schema_editor() as editor:
                editor.create_model(model)
        try:
            with LibraryUnitOfWork(alias) as uow:
                old, new = Shelf(code="old"), Shelf(code="new")
                book = Book(shelf=old)
                uow.shelves.add(old)
                uow.books.add(book)
                uow.commit()
                uow.shelves.add(new)
                book.shelf = new
                uow.shelves.remove(old)
                uow.commit()
            assert fetch(alias, "SELECT shelf_id FROM kernel_book") == [(new.pk,)]
            assert fetch(alias, "SELECT code FROM kernel_shelf") == [("new",)]
        finally:
            for model in (Book, Shelf):
                with connections[alias].schema_editor() as editor:
                    editor.delete_model(model)

else:

    def test_there_are_none_before_django_6_1() -> None:
        with pytest.raises(ImportError):
            from django.db.models import DB_CASCADE  # noqa: F401, PLC0415


def test_rows_on_which_the_database_acts_are_deleted_last(
    alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BASKET, "delete_last", True)
    with ShopUnitOfWork(alias) as uow:
        old = Basket("old")
        uow.baskets.add(old)
        uow.commit()
        uow.baskets.remove(old)
        uow.baskets.add(Basket("new"))
        with CaptureQueriesContext(connections[alias]) as queries:
            uow.commit()
    sent = [query["sql"].split()[0] for query in queries]
    assert [word for word in sent if word in ("INSERT", "DELETE")] == ["INSERT", "DELETE"]
