"""Real OpenBao servers that stand in for the Vault of production."""
