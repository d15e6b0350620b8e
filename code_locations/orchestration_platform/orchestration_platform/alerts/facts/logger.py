"""The logger of alerts."""

LOGGER_NAME = "orchestration_platform.alerts"
