"""Measurements of the bank's location."""
