"""IBANs: found in a text, and made from what German banks called an account before."""

import re

_IBAN = re.compile(r"\b([A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?)\b")
# without spaces, for texts where currency or bank adjoin it
_COMPACT = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_SHORTEST = 15
_GERMAN = re.compile(r"(?P<bank>\d{8})\s*/\s*0*(?P<number>\d{1,10})")


def is_iban(text: str) -> bool:
    """Whether the check digits of ISO 13616 are right; without spaces."""
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", text):
        return False
    return int("".join(str(int(letter, 36)) for letter in text[4:] + text[:4])) % 97 == 1


def find_iban(text: str) -> str | None:
    """The first IBAN in a text, without spaces."""
    for found in _IBAN.findall(text.upper()):
        if is_iban(compact := found.replace(" ", "")):
            return compact
    for found in _COMPACT.findall(text.upper().replace(" ", "")):
        for length in range(len(found), _SHORTEST - 1, -1):
            if is_iban(found[:length]):
                return found[:length]
    return None


def german_iban(text: str) -> str | None:
    """The IBAN of ``bank code/number``, by the general rule.

    The rule of a few banks differs; theirs has other digits than any IBAN of this rule, so it never
    names another's account.
    """
    found = _GERMAN.fullmatch(text.strip())
    if found is None:
        return None
    body = f"{found['bank']}{found['number']:0>10}"
    # DE00 as digits: D is 13, E is 14
    check = 98 - int(f"{body}131400") % 97
    return f"DE{check:02d}{body}"
