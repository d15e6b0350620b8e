"""Stops runs from starting, for an upgrade or over a quiet period, and starts them again."""
