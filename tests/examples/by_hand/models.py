"""A catalogue of records: the example of Fowler's chapter on the Unit of Work."""

from __future__ import annotations

from django.db import models


class Artist(models.Model):
    """Who made an album."""

    name = models.CharField(max_length=100, unique=True)

    def __str__(self) -> str:
        return self.name


class Album(models.Model):
    """Known to the shops by its number, which is made of its id."""

    artist = models.ForeignKey(Artist, on_delete=models.PROTECT)
    title = models.CharField(max_length=100, unique=True)
    number = models.CharField(max_length=20)

    def __str__(self) -> str:
        return self.title


class Track(models.Model):
    """A part of an album."""

    album = models.ForeignKey(Album, on_delete=models.PROTECT)
    title = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.title
