"""The board as HTML pages and as JSON."""
