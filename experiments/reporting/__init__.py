"""How figures and pages are made: style, numbers, tables, report.md. What they say is written in the studies."""
