"""Stored years of another way to read a census are recognised by the digest of its code."""

from pathlib import Path

import pytest

from simulation.config import census_file


def test_code_in_every_folder_below_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(census_file, "_READING", tmp_path)
    module = tmp_path / "values" / "dates.py"
    module.parent.mkdir()
    digests = set()
    for content in ("first", "second"):
        module.write_text(content)
        digests.add(census_file.reading_digest.__wrapped__())
    assert len(digests) == 2
