"""Keeps the platform's own storage small: what is old and needed by nothing is deleted."""
