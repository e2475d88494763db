"""The tables."""

from __future__ import annotations

from django.db import models


class UserRow(models.Model):
    """Where a user stands."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=100)
    confirmed = models.BooleanField()

    def __str__(self) -> str:
        return self.email


class ConfirmationRow(models.Model):
    """Where a confirmation stands."""

    token = models.CharField(max_length=100, primary_key=True)
    user = models.ForeignKey(UserRow, on_delete=models.CASCADE)

    def __str__(self) -> str:
        return self.token
