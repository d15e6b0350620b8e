"""OpenMetadata's qualified names."""


def qualified(*parts: str) -> str:
    """Return the parts joined by dots; a part with a dot or a quote is quoted."""
    return ".".join(
        '"' + part.replace('"', '\\"') + '"' if "." in part or '"' in part else part
        for part in parts
    )
