"""See :mod:`tests.unit.shared_lib.secrets.isolation`."""

from tests.unit.shared_lib.secrets.isolation import _as_if_just_started  # noqa: F401 - a fixture
