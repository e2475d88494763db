"""The tables."""

from __future__ import annotations

from django.db import models


class Member(models.Model):
    email = models.EmailField(unique=True)
    points = models.IntegerField(default=0)
    version = models.IntegerField(default=0)

    def __str__(self) -> str:
        return self.email


class Card(models.Model):
    number = models.CharField(max_length=16, primary_key=True)
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="cards")

    def __str__(self) -> str:
        return self.number
