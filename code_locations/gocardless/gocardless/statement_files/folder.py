"""The folder that statement files are dropped into: what is new in it, and its import."""

import hashlib
import json
from pathlib import Path

import dagster as dg
from pydantic import Field

from gocardless.extraction.fetch_scope import utc_now
from gocardless.statement_files.formats.csv.mapping import mapping_directory, saved_mappings
from gocardless.statement_files.loading import ImportedFile, import_file
from gocardless.statement_files.statement import StatementFileError
from shared_lib.configuration.environment import current_settings
from shared_lib.warehouse import Warehouse

_READ = "files_read"
_EXPLAINED = "balances_explained"
KEY = dg.AssetKey(["source", "statement_files", "extract", "statements"])


def statement_directory() -> Path:
    """Where people drop files; a directory below it names the account of files that name none."""
    return current_settings().data_directory / "statements"


class FolderRequest(dg.Config):
    """Which files are imported."""

    directory: str = Field(
        default="", description="The folder; by default statements in the data directory."
    )


@dg.asset(
    key=KEY,
    check_specs=[
        dg.AssetCheckSpec(_READ, asset=KEY, description="Every file and line was taken."),
        dg.AssetCheckSpec(
            _EXPLAINED,
            asset=KEY,
            description="The entries lead from each file's opening balance to its closing one.",
        ),
    ],
)
def statements(
    context: dg.AssetExecutionContext, config: FolderRequest, warehouse: Warehouse
) -> dg.MaterializeResult:
    """The files of the folder in the unified tables; those that are known change nothing."""
    directory = Path(config.directory) if config.directory else statement_directory()
    mappings = saved_mappings(mapping_directory())
    problems: list[str] = []
    results: list[ImportedFile] = []
    with warehouse.writing_by_transaction() as connection:
        for path in files_of(directory):
            account = path.parent.name if path.parent != directory else None
            try:
                result = import_file(
                    connection, path, at=utc_now(), account=account, mappings=mappings
                )
            except StatementFileError as error:
                problems.append(str(error))
                continue
            results.append(result)
            problems += [
                f"{path}:{reject.line}: {reject.field} {reject.value[:60]!r}: {reject.reason}"
                for reject in result.rejects
            ]
            for note in result.notes:
                context.log.info(f"{path}:{note.line}: {note.text}")
    unexplained = [
        f"{result.path}: {account}: the entries miss the closing balance by {difference}"
        for result in results
        for account, difference in result.differences.items()
    ]
    return dg.MaterializeResult(
        metadata={
            "files": len(results),
            "known_files": sum(result.is_known for result in results),
            "created": sum(result.created for result in results),
        },
        check_results=[
            _checked(_READ, problems, f"all of {len(results)} files"),
            _checked(_EXPLAINED, unexplained, "OK"),
        ],
    )


def _checked(name: str, problems: list[str], otherwise: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name,
        asset_key=KEY,
        passed=not problems,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(problems) or otherwise,
    )


def files_of(directory: Path) -> list[Path]:
    """The files of the folder and the directories below, but for hidden ones; none without it."""
    return sorted(
        path
        for path in directory.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(directory).parts)
    )


def new_statements(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Start the job when files of the folder are new or have changed."""
    directory = statement_directory()
    versions = {
        str(path): f"{path.stat().st_mtime_ns}-{path.stat().st_size}"
        for path in files_of(directory)
    }
    known: dict[str, str] = json.loads(context.cursor) if context.cursor else {}
    new = sorted(path for path, version in versions.items() if known.get(path) != version)
    if not new:
        return dg.SkipReason(f"no new or changed file in {directory}, {len(versions)} known")
    cursor = json.dumps(versions, sort_keys=True)
    digest = hashlib.sha256(cursor.encode()).hexdigest()
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=digest)], cursor=cursor)
