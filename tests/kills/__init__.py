"""Runs of every study that are killed or find the disk full, and are started again: python -m tests.kills."""
