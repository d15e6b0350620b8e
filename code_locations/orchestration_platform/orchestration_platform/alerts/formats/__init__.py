"""One message, written as each service wants it."""
