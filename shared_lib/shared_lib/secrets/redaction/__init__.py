"""Remove secrets from everything that is written: logs, events, messages, errors."""
