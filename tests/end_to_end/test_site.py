"""The documentation as a site: its pages need no other server, also for their diagrams."""

import hashlib
import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from tests.end_to_end.browser import needs_browser, open_browser

REPOSITORY = Path(__file__).parents[2]
# dist/mermaid.min.js of mermaid 11.16.0, as its makers publish it
MERMAID_11_16_0 = "74d7c46dabca328c2294733910a8aa1ed0c37451776e8d5295da38a2b758fb9b"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    configuration = load_config(str(REPOSITORY / "mkdocs.yml"), site_dir=str(folder), strict=True)
    build(configuration)
    return folder


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        loaded = re.findall(r"<(?:script|img|link|iframe)[^>]*? (?:src|href)=\"?([^\s\">]+)",
                            page.read_text())  # fmt: skip
        elsewhere = [address for address in loaded if re.match(r"(https?:)?//", address)]
        assert elsewhere == [], page


def test_the_script_of_the_diagrams_is_the_published_one(site: Path) -> None:
    script = (site / "assets" / "mermaid.js").read_bytes()
    assert hashlib.sha256(script).hexdigest() == MERMAID_11_16_0


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@needs_browser
def test_a_browser_draws_each_diagram_and_asks_no_other_server(site: Path, address: str) -> None:
    with_diagrams = [page for page in site.rglob("*.html") if 'class="mermaid"' in page.read_text()]
    assert with_diagrams
    with open_browser() as browser:
        view = browser.new_page()
        requested: list[str] = []
        view.on("request", lambda request: requested.append(request.url))
        for page in with_diagrams:
            diagrams = page.read_text().count('class="mermaid"')
            view.goto(f"{address}/{page.relative_to(site).as_posix()}")
            # Material replaces each block of text by a drawing in a closed shadow root
            view.wait_for_function(
                "count => document.querySelectorAll('div.mermaid').length === count", arg=diagrams
            )
            heights = view.eval_on_selector_all(
                "div.mermaid", "drawn => drawn.map(each => each.getBoundingClientRect().height)"
            )
            assert all(height > 40 for height in heights), (page, heights)
        assert {url for url in requested if not url.startswith(address)} == set()
