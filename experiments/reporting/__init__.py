"""How figures and pages are made: style, numbers, tables. What they say is written in the studies."""
