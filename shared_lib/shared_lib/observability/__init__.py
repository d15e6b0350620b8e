"""Traces, lineage and log lines of runs, per model. Imports nothing unless configured."""
