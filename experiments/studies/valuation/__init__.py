"""Which contributor is worth training on? Values by every method against the truth."""
