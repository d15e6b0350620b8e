"""The state of the platform as metrics for Prometheus.

``assets``, ``jobs``, ``automation`` and ``alerts`` each declare the metrics of one subject and fill
them, ``scrape`` answers a scrape with all of them, and ``documents`` writes the manual's table.
Names and labels are those of dagster-prometheus-exporter where it has the same fact.
"""
