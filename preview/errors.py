"""What keeps a preview from being made."""


class PreviewError(RuntimeError):
    """The preview cannot be made; the message says why, and what to do."""
