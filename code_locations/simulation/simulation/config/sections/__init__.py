"""The sections of ``simulation_config.yaml``: each field with its unit and its range."""
