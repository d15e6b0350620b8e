"""How far each source was read, and what else one pass leaves for the next."""

import sqlalchemy as sa

from orchestration_platform.alerts.outbox.tables import CURSORS


def read_cursor(connection: sa.Connection, name: str) -> str | None:
    """Return the cursor called ``name``, or None before its first use."""
    return connection.execute(sa.select(CURSORS.c.value).where(CURSORS.c.name == name)).scalar()


def set_cursor(connection: sa.Connection, name: str, value: str) -> None:
    """Set the cursor called ``name``."""
    is_meant = CURSORS.c.name == name
    if connection.execute(sa.update(CURSORS).where(is_meant).values(value=value)).rowcount == 0:
        connection.execute(sa.insert(CURSORS).values(name=name, value=value))


def forget_cursor(connection: sa.Connection, name: str) -> None:
    """Delete the cursor called ``name``."""
    connection.execute(sa.delete(CURSORS).where(CURSORS.c.name == name))
