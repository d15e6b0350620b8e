"""Measurements of the alerts and the board, with Postgres."""
