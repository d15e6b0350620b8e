"""What all assets of this location have in common."""

OWNER = "people-analytics@example.com"

# One step at a time writes the warehouse; dagster.yaml limits every pool to one.
WAREHOUSE_POOL = "simulation_warehouse"
