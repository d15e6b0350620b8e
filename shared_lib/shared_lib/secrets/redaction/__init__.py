"""Taking secrets out of whatever is about to be written: logs, events, messages, errors."""
