"""Every key of ``orchestration.yaml`` is seen to have its effect.

A test says by the marker ``sees`` which keys it would notice the loss of. A key that is added to
the models and seen by no test fails here.
"""

from pathlib import Path

from tests.integration.discovery.configuration_keys import all_keys, seen_keys


def test_every_key_is_seen_by_a_test_and_every_mark_is_a_key() -> None:
    seen = seen_keys(Path(__file__).parent)

    assert sorted(set(all_keys()) - seen.keys()) == []
    assert sorted(seen.keys() - set(all_keys())) == []
