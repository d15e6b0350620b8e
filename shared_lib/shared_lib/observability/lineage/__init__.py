"""OpenLineage events: the datasets of steps and of dbt nodes, and what happened to them."""
