"""The one address of the platform: Dagster's UI behind a front door that guards it.

``front_door`` decides which requests reach the UI, ``hosts`` which names it is served under,
``server`` joins both, and ``development`` runs it next to the daemon and the code servers. What
starts a webserver and code servers from Python has only private names in Dagster.
"""
