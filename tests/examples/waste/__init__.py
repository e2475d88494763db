"""Organisations, their storages, and the waste that goes from one storage to another."""
