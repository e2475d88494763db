"""Use cases that say themselves what is new, what is changed and what is to go.

They suit objects that were not loaded in the unit of work: read for a page a
while ago, or taken out of a message. In which order they are registered does
not matter.
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.examples.by_hand.models import Album, Artist, Track
from tests.examples.by_hand.unit_of_work import CatalogueUnitOfWork


def release(name: str, title: str, tracks: Iterable[str], uow: CatalogueUnitOfWork) -> Album:
    """Bring out the first album of a new artist. Raises UniqueViolation when either is known."""
    with uow:
        artist = Artist(name=name)
        album = Album(artist=artist, title=title)
        uow.register_new(artist)
        uow.register_new(album)
        for track in tracks:
            uow.register_new(Track(album=album, title=track))
        uow.flush()  # now it has an id
        album.number = f"LP-{album.pk:06}"
        uow.commit()
    return album


def reissue(old: Album, tracks: Iterable[Track], title: str, uow: CatalogueUnitOfWork) -> Album:
    """Put a new album with these tracks in the place of an old one.

    Raises UniqueViolation when the title is taken, StaleEntity when the old
    album or a track is gone, and IntegrityError when a track would stay behind.
    """
    with uow:
        uow.register_deleted(old)
        new = Album(artist_id=old.artist_id, title=title, number=f"{old.number}-R")
        uow.register_new(new)
        for track in tracks:
            track.album = new
            uow.register_dirty(track)
        uow.commit()
    return new
