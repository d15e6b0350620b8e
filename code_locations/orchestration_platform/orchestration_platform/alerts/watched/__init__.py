"""The sources of alerts, a module each: what they read, where, and what follows from it."""
