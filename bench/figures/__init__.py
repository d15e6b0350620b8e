"""Figures of processes: measured, and compared with those of another day."""
