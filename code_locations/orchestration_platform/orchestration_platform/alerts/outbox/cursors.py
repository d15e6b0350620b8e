"""How far each source was read, and what else a pass leaves for the next one."""

import sqlalchemy as sa

from orchestration_platform.alerts.outbox.tables import POSITIONS


def position(connection: sa.Connection, name: str) -> str | None:
    """What was left under ``name``, if anything was."""
    return connection.execute(sa.select(POSITIONS.c.marks).where(POSITIONS.c.name == name)).scalar()


def set_position(connection: sa.Connection, name: str, marks: str) -> None:
    """Leave ``marks`` under ``name``."""
    this = POSITIONS.c.name == name
    if connection.execute(sa.update(POSITIONS).where(this).values(marks=marks)).rowcount == 0:
        connection.execute(sa.insert(POSITIONS).values(name=name, marks=marks))


def forget_position(connection: sa.Connection, name: str) -> None:
    """Leave nothing under ``name``."""
    connection.execute(sa.delete(POSITIONS).where(POSITIONS.c.name == name))
