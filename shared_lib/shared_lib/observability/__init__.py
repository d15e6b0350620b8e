"""Traces, lineage and log lines of runs, model by model. Nothing configured: nothing imported."""
