"""``python -m preview --base main``: what a change does, before it is merged.

Compares the working tree, with what is not committed, to the commit where its branch left the base:
assets, checks, jobs, schedules, sensors, alert policies, and the rows of the dbt models that
differ or follow from those. These are built under both trees, from one copy of the tables that
they read. Writes a page and a Markdown file for a pull request.
"""

import argparse
import gc
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from preview.errors import PreviewError

REPOSITORY = Path(__file__).parents[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the preview.

    Returns:
        0; 1 if a location does not load or a model is not built in the working tree, whose
        preview says so; 2 if there is no preview; 130 or 143 after Ctrl-C or SIGTERM.
    """
    parser = argparse.ArgumentParser(
        prog="python -m preview",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--base", default="main", help="a branch, tag or commit; default: main")
    parser.add_argument(
        "--samples",
        action="store_true",
        help="show rows of every model on the page, also of people; the Markdown never has them",
    )
    parser.add_argument(
        "--directory",
        type=Path,
        default=Path(".preview"),
        help="where to write preview.html and preview.md; default: .preview",
    )
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return _written(asked)
    except PreviewError as error:
        print(f"preview: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("preview: stopped; nothing is left behind", file=sys.stderr)
        return 130


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    """End as Ctrl-C does, so that the temporary directory is removed."""
    sys.exit(143)


def _written(asked: argparse.Namespace) -> int:
    from preview.making import make_preview
    from preview.page import in_short, markdown_of, page_of

    preview = make_preview(REPOSITORY, asked.base, with_samples=asked.samples, say=_say)
    asked.directory.mkdir(parents=True, exist_ok=True)
    for name, text in (("preview.md", markdown_of(preview)), ("preview.html", page_of(preview))):
        (asked.directory / name).write_text(text, encoding="utf-8")
    _say(f"done after {preview.seconds:.0f} s")
    print(in_short(preview))
    print(f"page: {asked.directory / 'preview.html'}")
    print(f"for a pull request: {asked.directory / 'preview.md'}")
    return 1 if preview.has_failed else 0


def _say(text: str) -> None:
    print(f"preview: {text}", file=sys.stderr)


if __name__ == "__main__":
    # dbt parses two projects, and nothing of them becomes garbage before the end
    gc.disable()
    sys.exit(main())
