"""Parses commands with the parsers of the modules that they name, and starts none of them.

Reads a JSON list of argument lists, each beginning with a module, from the standard input; prints
a JSON list with what each parser objects to, "" if nothing.
"""

import argparse
import contextlib
import io
import json
import os
import runpy
import sys
from collections.abc import Sequence
from unittest import mock


class _Parsed(BaseException):
    """The arguments are valid: the module ends here, before it does anything."""


def objection_to(module: str, *arguments: str) -> str:
    """Return what the parser of ``python -m module`` prints about ``arguments``; "" if valid."""
    parse = argparse.ArgumentParser.parse_args

    def parse_and_end(parser: argparse.ArgumentParser, given: Sequence[str] | None = None) -> None:
        parse(parser, given)
        raise _Parsed

    printed = io.StringIO()
    with (
        mock.patch.object(argparse.ArgumentParser, "parse_args", parse_and_end),
        mock.patch.object(sys, "argv", [module, *arguments]),
        mock.patch.dict(os.environ),
        contextlib.redirect_stderr(printed),
    ):
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except _Parsed:
            return ""
        except (SystemExit, ImportError) as ended:
            return printed.getvalue() or repr(ended)
    return f"{module} has parsed nothing"


if __name__ == "__main__":
    commands = json.load(sys.stdin)
    print(json.dumps([objection_to(*command) for command in commands]))
