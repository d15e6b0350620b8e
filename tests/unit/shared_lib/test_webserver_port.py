"""Is the port of ``make dev`` free, and which one is next?"""

import socket
from collections.abc import Iterator

import pytest

from shared_lib.webserver_port import is_free, main


@pytest.fixture
def taken() -> Iterator[int]:
    """A port at which something listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_is_named_with_the_next_free_one(taken: int) -> None:
    assert not is_free(taken)
    with pytest.raises(SystemExit) as ended:
        main([str(taken)])
    message = str(ended.value)
    assert message.startswith(f"port {taken} of 127.0.0.1 is taken, the next free one is: make dev")
    assert is_free(int(message.split("PORT=")[1]))


def test_a_free_port_passes(taken: int) -> None:
    main([str(next(filter(is_free, range(taken + 1, 65536))))])


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http", "", "3000; touch f"])
def test_an_invalid_port_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--", text])
    assert f"{text!r} is not a port from 1 to 65535" in capsys.readouterr().err
