"""What is registered by hand is written in one commit, or none of it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import pytest
from django.db import IntegrityError, connections
from django.test.utils import CaptureQueriesContext

from allocation.uow import StaleEntity, UniqueViolation
from tests.conftest import Fetch
from tests.examples.by_hand.models import Album, Artist, Track
from tests.examples.by_hand.services import reissue, release
from tests.examples.by_hand.unit_of_work import CatalogueUnitOfWork

Albums: TypeAlias = set[tuple[str, str, str]]
"""Artist, album and track, of every track that is stored."""

HELP: Albums = {("The Beatles", "Help!", "Yesterday"), ("The Beatles", "Help!", "Help!")}


class Catalogue:
    """The catalogue with one album in it."""

    def __init__(self, alias: str, fetch: Fetch) -> None:
        self.alias = alias
        self.fetch = fetch
        release("The Beatles", "Help!", ["Yesterday", "Help!"], self.uow())

    def uow(self) -> CatalogueUnitOfWork:
        return CatalogueUnitOfWork(self.alias)

    def shown(self) -> tuple[Album, Sequence[Track]]:
        """The album and its tracks as a page has read them, with no unit of work."""
        album = Album.objects.using(self.alias).get(title="Help!")
        return album, list(Track.objects.using(self.alias).filter(album=album))

    def stored(self) -> Albums:
        rows = self.fetch(
            self.alias,
            "SELECT name, album.title, track.title FROM by_hand_track track "
            "JOIN by_hand_album album ON album.id = album_id "
            "JOIN by_hand_artist artist ON artist.id = artist_id",
        )
        return set(rows)

    def artists(self) -> set[str]:
        return {name for (name,) in self.fetch(self.alias, "SELECT name FROM by_hand_artist")}

    def titles(self) -> set[str]:
        return {title for (title,) in self.fetch(self.alias, "SELECT title FROM by_hand_album")}


@pytest.fixture
def catalogue(alias: str, fetch: Fetch) -> Catalogue:
    return Catalogue(alias, fetch)


class TestAnIdBeforeTheCommit:
    def test_becomes_part_of_what_is_stored(self, catalogue: Catalogue) -> None:
        album = release("Nico", "Chelsea Girl", [], catalogue.uow())

        [(key, number)] = catalogue.fetch(
            catalogue.alias, "SELECT id, number FROM by_hand_album WHERE title = 'Chelsea Girl'"
        )
        assert (album.pk, album.number) == (key, number) == (key, f"LP-{key:06}")

    def test_is_not_seen_by_others_before_it(self, catalogue: Catalogue) -> None:
        with catalogue.uow() as uow:
            artist = Artist(name="Nico")
            uow.register_new(artist)
            uow.flush()
            assert artist.pk is not None
            assert catalogue.artists() == {"The Beatles"}
            uow.commit()
            assert catalogue.artists() == {"The Beatles", "Nico"}

    def test_is_gone_when_a_later_step_fails(self, catalogue: Catalogue) -> None:
        artist = Artist(name="Nico")

        def fail() -> None:
            with catalogue.uow() as uow:
                uow.register_new(artist)
                uow.flush()
                raise LookupError("no number for this artist")

        with pytest.raises(LookupError):
            fail()
        assert catalogue.artists() == {"The Beatles"}
        assert artist.pk is None


class TestInsertUpdateAndDeleteInOneCommit:
    def test_are_all_stored(self, catalogue: Catalogue) -> None:
        reissue(*catalogue.shown(), "Help! (Remastered)", catalogue.uow())

        assert catalogue.titles() == {"Help! (Remastered)"}
        assert catalogue.stored() == {
            (artist, "Help! (Remastered)", track) for artist, _, track in HELP
        }

    def test_may_give_the_new_the_title_of_the_old(self, catalogue: Catalogue) -> None:
        old, tracks = catalogue.shown()

        new = reissue(old, tracks, "Help!", catalogue.uow())

        assert catalogue.stored() == HELP
        assert new.pk != old.pk

    def test_cost_one_statement_each_parents_before_children(self, catalogue: Catalogue) -> None:
        old, tracks = catalogue.shown()

        with CaptureQueriesContext(connections[catalogue.alias]) as queries:
            reissue(old, tracks, "Help! (Remastered)", catalogue.uow())
        sent = [query["sql"].split('"')[:2] for query in queries if '"' in query["sql"]]
        assert sent == [
            ["DELETE FROM ", "by_hand_album"],
            ["INSERT INTO ", "by_hand_album"],
            ["UPDATE ", "by_hand_track"],
        ]

    def test_insert_what_is_referred_to_first_however_it_was_registered(
        self, catalogue: Catalogue
    ) -> None:
        artist = Artist(name="Nico")
        album = Album(artist=artist, title="Chelsea Girl", number="LP-1")
        with catalogue.uow() as uow:
            uow.register_new(Track(album=album, title="These Days"))
            uow.register_new(album)
            uow.register_new(artist)
            uow.commit()
        assert catalogue.stored() == HELP | {("Nico", "Chelsea Girl", "These Days")}

    def test_delete_what_is_referred_to_last_however_it_was_registered(
        self, catalogue: Catalogue
    ) -> None:
        album, tracks = catalogue.shown()
        with catalogue.uow() as uow:
            uow.register_deleted(album)
            for track in tracks:
                uow.register_deleted(track)
            uow.commit()
        assert catalogue.titles() == set()


class TestAFailingStep:
    def test_that_inserts_undoes_all(self, catalogue: Catalogue) -> None:
        release("Nico", "Chelsea Girl", [], catalogue.uow())

        with pytest.raises(UniqueViolation):
            reissue(*catalogue.shown(), "Chelsea Girl", catalogue.uow())
        assert catalogue.stored() == HELP

    def test_that_updates_undoes_all(self, catalogue: Catalogue) -> None:
        """By then the old album is deleted, and the new one inserted."""
        old, tracks = catalogue.shown()
        catalogue.fetch(catalogue.alias, "DELETE FROM by_hand_track WHERE title = 'Yesterday'")

        with pytest.raises(StaleEntity, match="of by_hand"):
            reissue(old, tracks, "Help! (Remastered)", catalogue.uow())
        assert catalogue.stored() == {("The Beatles", "Help!", "Help!")}

    def test_that_deletes_undoes_all(self, catalogue: Catalogue) -> None:
        """A track that is not moved over would be left without its album."""
        old, tracks = catalogue.shown()

        with pytest.raises(IntegrityError):
            reissue(old, tracks[:1], "Help! (Remastered)", catalogue.uow())
        assert catalogue.stored() == HELP

    def test_that_deletes_what_is_gone_undoes_all(self, catalogue: Catalogue) -> None:
        old, tracks = catalogue.shown()
        reissue(old, tracks, "Help! (Remastered)", catalogue.uow())

        with pytest.raises(StaleEntity, match="of by_hand"):
            reissue(old, tracks, "Help! (Remastered again)", catalogue.uow())
        assert catalogue.titles() == {"Help! (Remastered)"}
