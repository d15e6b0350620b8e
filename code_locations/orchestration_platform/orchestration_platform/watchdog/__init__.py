"""Looks from outside whether those are at work who would raise the alarm."""
