"""TFDS builders: an archive's files as examples, prepared once. No splits, no encoding."""
