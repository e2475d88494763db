"""Who did what: told in the same unit of work as what was done, and never changed."""
