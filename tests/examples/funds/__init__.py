"""Funds transfer: money moves between accounts, from both sides at once, and none is lost."""
