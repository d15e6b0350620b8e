"""Alerts: failures of all code locations, told to the operations team."""
