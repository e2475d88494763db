"""File sync: many files are put in place, or none."""
