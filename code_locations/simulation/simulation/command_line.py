"""What the commands on stored scenarios have in common: refusals, Ctrl-C, and progress."""

from collections.abc import Callable

from rich.console import Console

from shared_lib.configuration.environment import UnknownEnvironmentError
from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.warehouse import WarehouseBusyError, WarehouseSettingError
from simulation.stored.scenarios import NotStoredError

_REFUSALS = (
    ConfigurationError,
    NotStoredError,
    UnknownEnvironmentError,
    WarehouseBusyError,
    WarehouseSettingError,
)


def run_command(work: Callable[[Callable[[str], None]], int], *refusals: type[Exception]) -> int:
    """Do the work of a command, and return its exit status.

    Args:
        work: is passed a function that prints a line of progress to stderr, and returns the status.
        refusals: the command's own errors whose message says what to do.

    Returns:
        What ``work`` returns; 2 after a refusal, whose message is printed, and 130 after Ctrl-C.
    """
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        return work(lambda line: errors.print(line, markup=False))
    except (*_REFUSALS, *refusals) as error:
        errors.print(str(error), style="bold red", markup=False)
        return 2
    except KeyboardInterrupt:
        errors.print("interrupted; nothing of the warehouse was changed")
        return 130
