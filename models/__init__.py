"""Flax lives only here: models as pure functions, weights read from files, sampling. No data, no training."""
