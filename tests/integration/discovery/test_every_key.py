"""Every key of ``orchestration.yaml`` has a test of its effect.

The marker ``sees`` of a test names the keys whose loss the test would notice. A key of the models
that no test names fails here.
"""

from pathlib import Path

from tests.integration.discovery.configuration_keys import all_keys, seen_keys


def test_every_key_is_seen_by_a_test_and_every_mark_is_a_key() -> None:
    seen = seen_keys(Path(__file__).parent)

    assert sorted(set(all_keys()) - seen.keys()) == []
    assert sorted(seen.keys() - set(all_keys())) == []
