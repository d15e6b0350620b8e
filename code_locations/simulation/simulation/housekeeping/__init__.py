"""Deletes what the simulation recorded of old runs, and old reports."""
