"""How models are trained, many small ones or one large one, and taken up again. No models, no data sets."""
