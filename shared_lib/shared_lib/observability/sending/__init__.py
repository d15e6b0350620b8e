"""How spans and lineage events leave the process, and the secrets of their headers."""
