"""The health of the platform itself."""
