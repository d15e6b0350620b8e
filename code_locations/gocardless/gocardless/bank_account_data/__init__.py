"""Access to the GoCardless Bank Account Data API v2."""
