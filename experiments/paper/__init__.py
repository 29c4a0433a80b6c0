"""One command for all pages: the studies behind them, their tables and figures, rebuilt from recorded lines.

Here belongs what joins several studies on a page. What one study says of its own lines belongs to the study.
"""
