"""The services by which people are told, each behind the same protocol."""
