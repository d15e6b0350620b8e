"""The page that a person on call opens first, and the same facts as metrics.

``asset_health``, ``job_history``, ``automation`` and ``alerting`` each read one part of the state,
``board`` joins them into one :class:`Board` with a headline and what needs attention, and ``page``
and ``metrics`` lay it out. No query here grows with all history: each reads the latest state of
something, or a window of days.
"""
