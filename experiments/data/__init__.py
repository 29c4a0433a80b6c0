"""Real data: fetched, checked, prepared, split, read. Ways to make synthetic data are in synthetic/."""
