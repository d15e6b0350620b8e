"""How long the outbox keeps what has ended, and which runs it still needs."""
