"""How much synthetic data to mix in: predicted best amounts, equivalent counts and forecasts, and training."""
