"""How simulated years and their days are named, which begin on any day of the calendar."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

CALENDAR_YEAR = "01-01"


@dataclass(frozen=True)
class YearNames:
    """Names of years that begin on ``first_day``, month and day, or on their own of ``first_days``.

    A year has the number of the calendar year in which it ends, as is usual for fiscal years.
    """

    first_day: str = CALENDAR_YEAR
    first_days: Mapping[int, str] = field(default_factory=dict, hash=False)

    def _begins(self, year: int) -> str:
        return self.first_days.get(year, self.first_day)

    def _is_calendar(self, year: int) -> bool:
        return self._begins(year) == CALENDAR_YEAR

    @property
    def is_calendar(self) -> bool:
        """Return whether all years are those of the calendar."""
        return {self.first_day, *self.first_days.values()} == {CALENDAR_YEAR}

    def first_day_of(self, year: int) -> date:
        """Return the day on which ``year`` begins."""
        return date.fromisoformat(f"{year - (not self._is_calendar(year))}-{self._begins(year)}")

    def last_day_of(self, year: int) -> date:
        """Return the day on which ``year`` ends."""
        return YearNames(self._begins(year)).first_day_of(year + 1) - timedelta(days=1)

    def year_of(self, day: date) -> int:
        """Return the year in which ``day`` lies."""
        return day.year if day <= self.last_day_of(day.year) else day.year + 1

    def name(self, year: int) -> str:
        """Return ``2026``, or ``FY2026`` for a year that does not begin in January."""
        return str(year) if self._is_calendar(year) else f"FY{year}"

    def range(self, first: int, last: int) -> str:
        """Return ``2025 to 2029``, or one name."""
        return self.name(first) if first == last else f"{self.name(first)} to {self.name(last)}"

    def span(self, first: int, last: int) -> str:
        """Return the range, with its days where they are not those of the calendar.

        That is, ``FY2026 (1 Jul 2025 - 30 Jun 2026)``.
        """
        years = self.range(first, last)
        if self._is_calendar(first) and self._is_calendar(last):
            return years
        begin, end = self.first_day_of(first), self.last_day_of(last)
        return f"{years} ({begin.day} {begin:%b %Y} - {end.day} {end:%b %Y})"

    def closing(self, year: int) -> str:
        """Return the last day of ``year`` in words: ``31 December 2025``."""
        day = self.last_day_of(year)
        return f"{day.day} {day:%B %Y}"

    @property
    def closing_day(self) -> str:
        """Return the last day of a year in words, ``31 December``, or all that years end on."""
        begins = self.first_days.values() or [self.first_day]
        days = (YearNames(each).closing(2001).removesuffix(" 2001") for each in begins)
        return " or ".join(dict.fromkeys(days))
