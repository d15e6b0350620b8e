"""What the columns of banks' CSV files are called, in the languages of their customers.

A name proposes what a column may be; its values decide: ``Valuta`` is a day in German and a
currency in Dutch, ``Credit`` an amount or the word beside one.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.resources import files

from ruamel.yaml import YAML

from gocardless.extraction.reading.currencies import CURRENCIES
from gocardless.statement_files.values.amounts import is_amount
from gocardless.statement_files.values.dates import is_date
from gocardless.statement_files.values.iban import find_iban

DEBIT_WORDS = frozenset(
    [
        "s",
        "soll",
        "d",
        "dr",
        "debit",
        "dbit",
        "db",
        "af",
        "-",
        "belastung",
        "lastschrift",
        "out",
        "ausgang",
        "ausgabe",
        "ausgehend",
        "outgoing",
        "debet",
        "dare",
        "cargo",
        "debe",
        "debito",
        "uscita",
        "wn",
        "ut",
        "ud",
        "minus",
        "addebito",
        "sortie",
        "obciazenie",
    ]
)
CREDIT_WORDS = frozenset(
    [
        "h",
        "haben",
        "c",
        "cr",
        "credit",
        "crdt",
        "k",
        "kredit",
        "bij",
        "+",
        "gutschrift",
        "in",
        "eingang",
        "einnahme",
        "eingehend",
        "incoming",
        "avere",
        "abono",
        "haber",
        "credito",
        "entrata",
        "ma",
        "ind",
        "inn",
        "plus",
        "accredito",
        "entree",
        "uznanie",
    ]
)
_SIMPLE = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "æ": "ae", "å": "a", "ß": "ss"})
_ENOUGH = 0.5
# codes that are words too do not count
_CURRENCY_WORDS = {code.lower() for code in CURRENCIES}
_CURRENCY_WORDS -= {"all", "sos", "top", "try", "mad", "pen"}
_CURRENCY_WORDS |= {"euro", "euros", "dollar", "dollars", "pounds", "franken"}


def names_in(section: str) -> dict[str, list[list[str]]]:
    """What banks call columns or lines, by what these are, the usual names first."""
    names = files("gocardless.statement_files.formats.csv") / "column_names.yaml"
    return YAML(typ="safe").load(names.read_text("utf-8"))[section]


def normalised(text: str) -> str:
    """A name without accents, signs and currencies, in small letters."""
    folded = unicodedata.normalize("NFKD", text.casefold().translate(_SIMPLE))
    plain = "".join(letter for letter in folded if not unicodedata.combining(letter))
    words = re.sub(r"[^a-z0-9]+", " ", plain).split()
    kept = [word for word in words if word not in _CURRENCY_WORDS]
    if len(kept) < len(words) and kept[-1:] == ["in"]:  # Betrag in EUR
        kept.pop()
    return " ".join(kept or words)


def indicator_word(text: str) -> str:
    """The word of a column of signs, as the two lists have it."""
    return text.strip() if text.strip() in ("+", "-") else normalised(text)


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[str, int, re.Pattern[str]]]:
    return [
        (role, rank, re.compile("|".join(names)))
        for role, ranked in names_in("columns").items()
        for rank, names in enumerate(ranked)
    ]


@lru_cache(maxsize=4096)
def candidates(name: str) -> tuple[tuple[str, int], ...]:
    """What a column of that name may be, each with the rank of the name, from 0."""
    words = normalised(name)
    return tuple((role, rank) for role, rank, pattern in _patterns() if pattern.fullmatch(words))


def is_known(name: str) -> bool:
    """Whether banks call a column so."""
    return bool(name.strip()) and bool(candidates(name))


def _share(values: Sequence[str], is_such: Callable[[str], bool]) -> float:
    return sum(map(is_such, values)) / len(values) if values else 0.0


def _are_signs(values: Sequence[str]) -> bool:
    words = {indicator_word(value) for value in values}
    return bool(words) and words <= DEBIT_WORDS | CREDIT_WORDS


_CHECKS: dict[str, Callable[[Sequence[str]], bool]] = {
    **dict.fromkeys(("booking_date", "value_date"), lambda v: _share(v, is_date) >= _ENOUGH),
    **dict.fromkeys(
        ("amount", "debit", "credit", "fee", "balance_after", "original_amount", "exchange_rate"),
        lambda v: _share(v, is_amount) >= _ENOUGH,
    ),
    "indicator": _are_signs,
    "currency": lambda v: _share(v, lambda text: text.upper() in CURRENCIES) >= _ENOUGH,
    "original_currency": lambda v: _share(v, lambda text: text.upper() in CURRENCIES) >= _ENOUGH,
    "counterparty_iban": lambda v: _share(v, lambda text: find_iban(text) is not None) >= _ENOUGH,
    "merchant_category": lambda v: _share(v, lambda text: text.isdigit()) >= _ENOUGH,
    "description": lambda v: _share(v, is_amount) < 1 and not _are_signs(v),
}


def has_values_of(role: str, values: Sequence[str]) -> bool:
    """Whether the values of a column, without empty ones, are what the role means; none may be."""
    check = _CHECKS.get(role)
    return check is None or not values or check(values)
