"""Old reports: the newest of each scenario stays, and so does everything that is not a report."""

import re
from pathlib import Path

from simulation.config.parameters import FINGERPRINT_LENGTH
from simulation.report.index import write_index

# As the asset names them: scenario, fingerprint, beginning of the run's id.
_REPORT = re.compile(rf"(?P<scenario>.+)-[0-9a-f]{{{FINGERPRINT_LENGTH}}}-[0-9a-f]{{8}}\.html")


def delete_old_reports(folder: Path, *, keep_days: float, is_dry: bool, now: float) -> list[Path]:
    """Delete old reports with their pictures, and list the others anew; return the reports.

    Args:
        folder: where reports are.
        keep_days: for how long a report stays after it was written.
        is_dry: only look for them.
        now: the moment in seconds since 1970.
    """
    by_scenario: dict[str, list[tuple[float, Path]]] = {}
    for path in sorted(folder.glob("*.html")):
        found = _REPORT.fullmatch(path.name)
        if found and not path.is_symlink():
            written = path.stat().st_mtime
            by_scenario.setdefault(found["scenario"], []).append((written, path))
    old = [
        path
        for reports in by_scenario.values()
        for written, path in sorted(reports)[:-1]
        if written < now - keep_days * 86_400
    ]
    if old and not is_dry:
        for path in old:
            path.with_suffix(".svg").unlink(missing_ok=True)
            path.unlink()
        write_index(folder)
    return old
