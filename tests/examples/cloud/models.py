"""The tables."""

from __future__ import annotations

from django.db import models


class Cluster(models.Model):
    name = models.CharField(max_length=63, primary_key=True)
    size = models.PositiveSmallIntegerField()

    def __str__(self) -> str:
        return self.name


class Server(models.Model):
    id = models.CharField(max_length=63, primary_key=True)  # the cloud's
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="servers")

    def __str__(self) -> str:
        return self.id
