"""Recognises what stops the platform, says what is lost and how to go on, and does it.

Nothing is deleted: a damaged file is renamed.
"""
