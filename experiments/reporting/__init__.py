"""How figures and pages are made: style, numbers, tables, texts of others, Markdown and HTML.

What they say is written in the studies.
"""
