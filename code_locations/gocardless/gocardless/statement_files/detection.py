"""Which format a file has, by its content, and what it holds."""

import re
from dataclasses import dataclass
from pathlib import Path

from gocardless.statement_files.formats.camt053 import read_camt053
from gocardless.statement_files.formats.csv.inspection import (
    NO_CHOICES,
    Choices,
    Proposal,
    propose,
)
from gocardless.statement_files.formats.csv.mapping import Mapping
from gocardless.statement_files.formats.csv.reader import header_of, read_csv
from gocardless.statement_files.formats.mt940 import read_mt940
from gocardless.statement_files.formats.ofx import read_ofx
from gocardless.statement_files.formats.qif import read_qif
from gocardless.statement_files.statement import StatementFile, StatementFileError
from gocardless.statement_files.values.text_encoding import decoded, encoding_of

_OTHER_KINDS = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a ZIP archive or a workbook",
    b"\xd0\xcf\x11\xe0": "an old workbook",
}
_MT940 = re.compile(r"^:(?:20|25|60[FM]|61):", re.MULTILINE)
_OFX = re.compile(r"^\s*OFXHEADER[:=]|<OFX>|<\?OFX", re.MULTILINE)
_QIF = re.compile(r"^!(?:Type:|Account|Option:|Clear:)", re.MULTILINE | re.IGNORECASE)
_FORMATS = "camt.053, MT940, OFX, QIF and CSV"


@dataclass(frozen=True, kw_only=True)
class ReadFile:
    """A file that was read.

    Attributes:
        content: what it holds.
        encoding: of its text.
        proposal: of a CSV file, the mapping and its questions; with any nothing is read.
        is_saved: whether the mapping is a saved one.
    """

    content: StatementFile
    encoding: str
    proposal: Proposal | None = None
    is_saved: bool = False


def read_statement_file(
    path: Path,
    *,
    mappings: list[Mapping] | tuple[Mapping, ...] = (),
    choices: Choices = NO_CHOICES,
) -> ReadFile:
    """Read a file of any format.

    Args:
        path: the file.
        mappings: the saved ones of CSV files; the one whose header the file has is used.
        choices: what a person states about the file, which takes precedence over a mapping.

    Raises:
        StatementFileError: it cannot be read; says where, why and which formats are.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StatementFileError(f"{path} cannot be read: {error.strerror}") from error
    for beginning, kind in _OTHER_KINDS.items():
        if content.startswith(beginning):
            raise StatementFileError(f"{path} is {kind}: allowed are {_FORMATS}")
    if not content.strip():
        raise StatementFileError(f"{path} is empty")
    encoding = encoding_of(content)
    text = decoded(content, encoding, str(path)).lstrip("\ufeff")
    if re.match(r"\s*<(?!OFX)", text) and not _OFX.search(text[:5000]):
        return ReadFile(content=read_camt053(content, str(path)), encoding=encoding)
    if _OFX.search(text[:5000]):
        return ReadFile(content=read_ofx(text, str(path)), encoding=encoding)
    if _MT940.search(text):
        return ReadFile(content=read_mt940(text), encoding=encoding)
    if _QIF.search(text[:5000]):
        found = read_qif(text, str(path), currency=choices.currency, date_order=choices.date_order)
        return ReadFile(content=found, encoding=encoding)
    return _read_csv(path, content, text, encoding, list(mappings), choices)


def _read_csv(
    path: Path, content: bytes, text: str, encoding: str, mappings: list[Mapping], choices: Choices
) -> ReadFile:
    proposal = _saved(content, mappings, choices)
    is_saved = proposal is not None
    if proposal is None:
        proposal = propose(text, str(path), encoding=encoding, choices=choices)
    else:
        encoding = proposal.mapping.encoding
        text = decoded(content, encoding, str(path)).lstrip("\ufeff")
    found = StatementFile(file_format="CSV")
    if not proposal.questions:
        found = read_csv(text, proposal.mapping, proposal.header_line)
    return ReadFile(content=found, encoding=encoding, proposal=proposal, is_saved=is_saved)


def _saved(content: bytes, mappings: list[Mapping], choices: Choices) -> Proposal | None:
    """The saved mapping whose header the file has, with what a person states about this file."""
    chosen = {name: value for name, value in vars(choices).items() if value is not None}
    for mapping in mappings:
        try:
            text = content.decode(mapping.encoding).lstrip("\ufeff")
        except UnicodeDecodeError:
            continue  # the file of another bank
        line = header_of(text, mapping)
        if line is not None:
            return Proposal(mapping=mapping.model_copy(update=chosen), header_line=line)
    return None
