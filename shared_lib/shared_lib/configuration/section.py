"""What all sections of the configuration files have in common."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A mapping with the named keys and no others. It does not change after it is read."""

    model_config = ConfigDict(frozen=True, extra="forbid")
