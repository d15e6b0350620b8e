"""Values that steps pass on are stored on disk, except those that contain a known secret."""

import pickle
from contextlib import suppress
from typing import Any

import dagster as dg

from shared_lib.secrets.redaction.registry import secret_in

# What a value that cannot be pickled raises; Dagster's own IO manager explains it.
_NOT_PICKLED = (pickle.PicklingError, AttributeError, TypeError, RecursionError)


class SecretInOutputError(RuntimeError):
    """The output of a step contains a secret, so it was not stored."""


class GuardedIOManager(dg.ConfigurableIOManagerFactory[dg.IOManager]):
    """Dagster's files of pickled values, none of which contains a secret.

    It recognises every secret that this process has read, in all forms in which redaction knows
    it, as text within the pickled value. It cannot look into what is compressed or encrypted.
    """

    def create_io_manager(self, context: dg.InitResourceContext) -> dg.IOManager:
        """Return the IO manager; files are where Dagster's default one has them."""
        return _Guarded(dg.FilesystemIOManager().create_io_manager(context))


class _Guarded(dg.IOManager):
    def __init__(self, files: dg.IOManager) -> None:
        self._files = files

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        with suppress(*_NOT_PICKLED):
            name = secret_in(pickle.dumps(obj))
            if name is not None:
                raise SecretInOutputError(
                    f"the output {context.name} of {context.step_key} contains the secret {name}: "
                    "nothing was stored; pass on the name of the secret and read it where it is "
                    "needed"
                )
        self._files.handle_output(context, obj)

    def load_input(self, context: dg.InputContext) -> Any:
        return self._files.load_input(context)
