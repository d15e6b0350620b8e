"""The services that notify people: one folder each, listed in ``registry.py``.

A folder has a ``configuration.py`` (the section of a policy, what the service can do, and how to
connect to it) and the client. All folders implement ``protocol``, and none imports another.
"""
