"""The unit of work of the catalogue. Its repositories say what may be registered in it."""

from __future__ import annotations

from allocation.uow.django import DjangoRepository, DjangoUnitOfWork
from tests.examples.by_hand.models import Album, Artist, Track


class CatalogueUnitOfWork(DjangoUnitOfWork):
    """All changes of the catalogue that belong together."""

    artists = DjangoRepository(Artist)
    albums = DjangoRepository(Album)
    tracks = DjangoRepository(Track)
