"""Addresses of the pages that assets write."""

from pathlib import Path

import dagster as dg

from shared_lib.configuration.environment import current_settings

# where the platform's webserver serves the folder of the reports
ROUTE = "/reports/"


def link_to(page: Path) -> dg.UrlMetadataValue:
    """Return the address of a page in the folder of the reports."""
    return dg.MetadataValue.url(f"{current_settings().ui_url}{ROUTE}{page.name}")
