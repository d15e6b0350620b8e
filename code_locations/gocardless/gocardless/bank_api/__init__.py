"""What the APIs of all providers have in common: their client, its errors and limits."""
