"""How loose each term of the mixture bound is."""
