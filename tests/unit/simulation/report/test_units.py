"""How the report prints numbers."""

import math

import pytest

from simulation.report import units
from simulation.report.units import MoneyScale

NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"


@pytest.mark.parametrize(
    ("value", "printed"),
    [(0, "0"), (1234567, "1,234,567"), (-1200, f"{MINUS}1,200"), (-0.2, "0"), (2.6, "3")],
)
def test_count_has_thousands_separators(value, printed):
    assert units.count(value) == printed


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_a_missing_number_is_shown_as_a_dash(value):
    assert units.count(value) == NONE
    assert units.change(value) == NONE
    assert units.decimal(value, 1) == NONE
    assert units.share(value) == NONE
    assert units.share_change(value) == NONE
    assert units.measurement(value) == NONE


@pytest.mark.parametrize(("value", "printed"), [(0, "0"), (1035, "+1,035"), (-600, f"{MINUS}600")])
def test_change_has_a_sign_unless_it_is_zero(value, printed):
    assert units.change(value) == printed


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (0.03, f"3.0{NBSP}%"),
        (-0.1234, f"{MINUS}12.3{NBSP}%"),
        (-0.0000001, f"0.0{NBSP}%"),
        (12.5, f"1,250.0{NBSP}%"),
    ],
)
def test_share_is_in_percent(value, printed):
    assert units.share(value) == printed


def test_share_change_has_a_plus():
    assert units.share_change(0.031, 2) == f"+3.10{NBSP}%"
    assert units.share_change(-0.031, 2) == f"{MINUS}3.10{NBSP}%"


@pytest.mark.parametrize(
    ("value", "printed"),
    [(0.0, "0"), (3.0, "3"), (0.005044, "0.005044"), (2.7e-17, "0"), (12000.5, "12,000.5")],
)
def test_measurement_shows_no_more_decimals_than_it_has(value, printed):
    assert units.measurement(value) == printed


@pytest.mark.parametrize(
    ("amount", "printed"),
    [
        (1_588_300_000, f"USD{NBSP}1.59{NBSP}billion"),
        (655_000_000, f"USD{NBSP}655.0{NBSP}million"),
        (56_000, f"USD{NBSP}56.00{NBSP}thousand"),
        (0, f"USD{NBSP}0"),
    ],
)
def test_total_is_read_at_a_glance(amount, printed):
    assert MoneyScale.of_total(amount).amount(amount) == printed


@pytest.mark.parametrize(
    ("largest", "change", "unit", "printed"),
    [
        (1_588_300_000, 10_900_000, f"USD{NBSP}million", "+10.9"),
        (25_000_000_000, -90_000_000, f"USD{NBSP}billion", f"{MINUS}0.09"),
        (1_300_000, 12_340, f"USD{NBSP}thousand", "+12.3"),
        (0, 0, "USD", "0"),
    ],
)
def test_scale_of_changes_leaves_small_changes_visible(largest, change, unit, printed):
    scale = MoneyScale.of_changes([None, math.nan, largest, -1])
    assert scale.unit == unit
    assert scale.change(change) == printed
