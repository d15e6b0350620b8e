"""What the workspace has, for people who look for data elsewhere: catalogues and data contracts.

``reading`` makes one description of all tables, from the dbt project and from Dagster. ``datahub``
and ``openmetadata`` say it in the words of a catalogue, ``files`` and ``publish`` write and send
it, and ``contracts`` promises the columns of published models.
"""
