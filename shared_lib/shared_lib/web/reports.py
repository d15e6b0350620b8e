"""Serves the reports of the code locations."""

from typing import Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles

# An origin of its own, so that a report's script cannot send what a reader may do.
_POLICY = "sandbox allow-scripts; frame-ancestors 'none'"


class Reports(StaticFiles):
    """The reports of a folder, whose scripts get no rights in the pages of the same server."""

    async def get_response(self, path: str, scope: Any) -> Response:
        """Return a file of the folder with the policy of reports."""
        response = await super().get_response(path, scope)
        response.headers["Content-Security-Policy"] = _POLICY
        return response
