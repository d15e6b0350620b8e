"""A local stand-in for the Bank Account Data API v2."""
