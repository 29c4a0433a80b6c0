"""Flax lives here and nowhere else: models as pure functions, weights read from files, sampling. No data, no training."""
