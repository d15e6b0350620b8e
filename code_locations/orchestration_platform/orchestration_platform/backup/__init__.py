"""Copies of all that the platform has stored, and putting one in place again.

``create`` writes a consistent set of archives and, last of all, a manifest with their digests. A
set without a manifest does not count: it was not finished. ``restore`` puts a set into an empty
home.
"""
