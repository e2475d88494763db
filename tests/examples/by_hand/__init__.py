"""Tracking by hand: what is new, changed and deleted is registered in so many words."""
