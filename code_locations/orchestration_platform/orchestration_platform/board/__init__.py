"""The page that a person on call opens first, and the same facts as metrics.

``asset_health``, ``job_history``, ``automation`` and ``alerting`` each read one part of the state,
``board`` joins them into one :class:`Board` with a headline and what needs attention, and ``pages``
and ``metrics`` lay it out. ``asset_marks`` and ``run_window`` read what has changed since the last
read, so that the rest is not read again.

The modules import private names of Dagster: the webserver's request context, the rules of asset
health, the states of ticks and the tables of the storage have no public ones.
"""
