"""Infrastructure: servers that cost money, and rows that say whose they are."""
