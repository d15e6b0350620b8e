"""Adds a code location to the repository, or removes one that it has added."""
