"""What to run: one file a config, and what they share. No JAX, no data, nothing of ours but this folder."""
