"""The tables."""

from __future__ import annotations

from django.db import models


class Share(models.Model):
    name = models.CharField(max_length=63, primary_key=True)
    path = models.CharField(max_length=4096)

    def __str__(self) -> str:
        return self.name


class SharedFile(models.Model):
    share = models.ForeignKey(Share, on_delete=models.PROTECT, related_name="files")
    name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["share", "name"], name="shared_once"),
        ]

    def __str__(self) -> str:
        return self.name
