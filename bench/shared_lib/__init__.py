"""Measurements of the shared library."""
