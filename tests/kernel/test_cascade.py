"""Foreign keys on which the database itself acts: Django 6.1 and newer."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections, models

from allocation.uow.django import DjangoRepository, DjangoUnitOfWork
from tests.conftest import Fetch

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
