"""What the site needs beside its pages: mermaid.js, from a package instead of another server.

Material's own script would load it from elsewhere when a page has a diagram, unless the page
has brought it along.
"""

import importlib.metadata
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

SCRIPT = "assets/mermaid.js"


def mermaid() -> Path:
    """Return the file of mermaid.js in the installed package."""
    (found,) = (
        file
        for file in importlib.metadata.files("mermaidx") or ()
        if file.as_posix() == "mermaidx/assets/mermaid.js"
    )
    return Path(str(found.locate()))


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add mermaid.js to the files of the site."""
    files.append(File.generated(config, SCRIPT, abs_src_path=str(mermaid())))
    return files


def on_post_page(output: str, *, page: Page, config: MkDocsConfig) -> str:  # noqa: ARG001 - mkdocs passes each by name
    """Load mermaid.js where a page has a diagram, and before Material's script."""
    if 'class="mermaid"' not in output:
        return output
    root = "../" * page.url.count("/") or "./"
    return output.replace("</head>", f'<script src="{root}{SCRIPT}"></script></head>', 1)
