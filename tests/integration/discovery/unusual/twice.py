"""An asset that another module makes too."""

import dagster as dg


@dg.asset
def plain() -> None: ...
