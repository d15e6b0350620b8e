"""Skip sensor ticks that lack a secret, with the reason."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import dagster as dg

from shared_lib.secrets.errors import SecretError
from shared_lib.secrets.redaction.exceptions import redacting_exceptions


def skips_without_secrets(evaluate: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a sensor's function, below ``@dg.sensor``, to skip ticks without their secret.

    A tick that cannot get a secret skips with the error's text as its reason. Any other exception
    is redacted before Dagster stores it.
    """
    if inspect.isgeneratorfunction(evaluate):

        @functools.wraps(evaluate)
        def generate(*arguments: Any, **named: Any) -> Any:
            try:
                with redacting_exceptions():
                    yield from evaluate(*arguments, **named)
            except SecretError as error:
                yield dg.SkipReason(str(error))

        return generate

    @functools.wraps(evaluate)
    def call(*arguments: Any, **named: Any) -> Any:
        try:
            with redacting_exceptions():
                return evaluate(*arguments, **named)
        except SecretError as error:
            return dg.SkipReason(str(error))

    return call
