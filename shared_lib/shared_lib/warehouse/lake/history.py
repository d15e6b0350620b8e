"""The lake as a run left it: each transaction of a run names the run in its snapshot."""

from shared_lib.warehouse.lake.attachment import open_lake
from shared_lib.warehouse.setting import NoSuchStateError

# how many runs an error names
_NAMED = 5


def snapshot_of_run(location: str, run: str) -> int:
    """Return the last snapshot that a run has written.

    Args:
        location: the code location.
        run: the id of the run, or its beginning.

    Raises:
        NoSuchStateError: no run with this id has a snapshot, or several have; names some.
        WarehouseMissingError: the lake has no tables of the location.
    """
    with open_lake(location, read_only=True) as connection:
        written = connection.execute(
            "select regexp_extract(author, '^run (\\S+) of ', 1) as run, "
            "max(snapshot_id), strftime(max(snapshot_time), '%Y-%m-%d %H:%M'), "
            "arg_max(commit_message, snapshot_id) "
            "from ducklake_snapshots($location) where author like 'run % of %' "
            "group by run order by max(snapshot_id) desc",
            {"location": location},
        ).fetchall()
    found = [row for row in written if row[0].startswith(run)]
    if len(found) == 1:
        return found[0][1]
    named = ", ".join(
        f"{name} of {part} ({moment})" for name, _, moment, part in (found or written)[:_NAMED]
    )
    reason = (
        f"several runs begin with {run!r}"
        if found
        else f"the lake has no snapshot of a run {run!r}, or data.lake_days are over"
    )
    raise NoSuchStateError(f"{reason}; there are: {named or 'none'}")
