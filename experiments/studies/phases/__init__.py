"""Three phases of scaling, measured: curves of error against size, laws fitted to them."""
