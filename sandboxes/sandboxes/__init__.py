"""Servers that stand in for others, in development, tests and measurements; never in the image.

``bank``, ``slack`` and ``vault`` run on their own (``make sandbox``, ``make slack``, ``make
vault``); ``smtp``, ``webhooks``, ``telemetry`` and ``postgres`` run while a test does. They listen
on 127.0.0.1, and no package of the platform imports them.
"""
