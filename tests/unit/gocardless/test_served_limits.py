"""What a refused call says about when to come back."""

import pytest

from gocardless.bank_account_data.errors import error_of
from gocardless.bank_api.errors import RateLimitedError
from gocardless.enable_banking.errors import error_of as error_of_enable_banking

NOW = {"Date": "Fri, 27 Nov 2026 10:00:00 GMT"}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120),
        ({"retry-after": " 120 "}, 120),
        ({"Retry-After": "Fri, 27 Nov 2026 10:02:00 GMT"}, 120),
        ({"Retry-After": "Friday, 27-Nov-26 10:02:00 GMT"}, 120),
        ({"Retry-After": "Fri, 27 Nov 2026 09:00:00 GMT"}, None),
        ({"Retry-After": "Fri, 27 Nov 2026 10:02:00 -0000"}, 120),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": ""}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("make", [error_of, error_of_enable_banking])
def test_retry_after_is_a_number_or_a_date(make, headers: dict[str, str], seconds: int) -> None:
    error = make(429, {"summary": "Rate limit exceeded"}, {**NOW, **headers})
    assert isinstance(error, RateLimitedError)
    assert error.reset_seconds == seconds
