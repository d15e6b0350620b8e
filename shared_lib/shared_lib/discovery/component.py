"""A code location as a component, for Dagster's ``dg`` and its ``defs`` folders."""

import dagster as dg

from shared_lib.discovery.location import load_location
from shared_lib.discovery.reading import FILE_NAME


class CodeLocation(dg.Component, dg.Model, dg.Resolvable):
    """The definitions of an ``orchestration.yaml``."""

    path: str = FILE_NAME
    """The file, relative to the component's directory."""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Build the definitions; see :func:`shared_lib.discovery.load_location`."""
        return load_location((context.path / self.path).resolve()).definitions
