"""Pitfalls: what goes wrong with transactions in the field, and what comes of it here."""
