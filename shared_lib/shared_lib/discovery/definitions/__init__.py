"""Dagster's definitions, one module for each section of the configuration."""
