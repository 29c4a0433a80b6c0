"""How much synthetic data to mix in: the predicted best amount, equivalent real count and forecast, against training."""
