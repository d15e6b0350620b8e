"""Changes of the outbox's tables, for databases that an older release made.

Whoever changes ``tables.py`` adds a migration here, unless all that is new is a table.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from shared_lib.storage.migrations import Migration

MIGRATIONS: Sequence[Migration[sa.Connection]] = ()
