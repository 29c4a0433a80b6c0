"""What to run: one file a config, what they share (common), what their keys mean (schema).

No JAX, no data, no code that runs anything: these files import ml_collections and each other.
"""
