"""docs/configuration.md is what the models say."""

from simulation.config.documents import PAGE, page


def test_the_configuration_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"
