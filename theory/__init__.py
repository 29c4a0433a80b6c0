"""The mathematics as pure functions, beside the page that derives it. No data, no models, no disk."""
