"""What generation does to the tail of language."""
