"""The checks of what was fetched: each asset of an API has those that apply to it."""

from collections.abc import Sequence

import dagster as dg

from gocardless.extraction.documents import RegisterRead
from gocardless.extraction.fetch_scope import ScopeOutcome

ANSWERED = "accounts_answered"
READABLE = "entries_readable"
DOCUMENTS = "documents_readable"
DESCRIPTIONS = {
    DOCUMENTS: "Every document of the list could be read.",
    ANSWERED: "Every account answered, or had answered for the day.",
    READABLE: "No entry of an answer was refused.",
}


def documents_check(prefix: Sequence[str], asset: str) -> dg.AssetCheckSpec:
    """The check that every document of a register could be read."""
    return dg.AssetCheckSpec(DOCUMENTS, asset=[*prefix, asset], description=DESCRIPTIONS[DOCUMENTS])


def answered_result(
    outcome: ScopeOutcome, asset: str, prefix: Sequence[str]
) -> dg.AssetCheckResult:
    """Passed when no account failed; a limit that is reached, or an old answer, is a warning."""
    problems = {**outcome.set_aside, **outcome.limited, **outcome.failed}
    described = "; ".join(f"{account}: {text}" for account, text in sorted(problems.items()))
    return dg.AssetCheckResult(
        asset_key=[*prefix, asset],
        check_name=ANSWERED,
        passed=not problems,
        severity=(dg.AssetCheckSeverity.ERROR if outcome.failed else dg.AssetCheckSeverity.WARN),
        description=described or outcome.skipped or "every account answered",
        metadata={
            "limited": len(outcome.limited),
            "failed": len(outcome.failed),
            "set_aside": len(outcome.set_aside),
        },
    )


def documents_result(read: RegisterRead, asset: str, prefix: Sequence[str]) -> dg.AssetCheckResult:
    """Passed when every document could be read; else a warning that names the others."""
    described = "; ".join(f"{name}: {reason}" for name, reason in sorted(read.odd.items()))
    return dg.AssetCheckResult(
        asset_key=[*prefix, asset],
        check_name=DOCUMENTS,
        passed=not read.odd,
        severity=dg.AssetCheckSeverity.WARN,
        description=described or f"{read.count} documents were read",
    )


def readable_result(
    outcome: ScopeOutcome, asset: str, prefix: Sequence[str]
) -> dg.AssetCheckResult:
    """Passed when every entry could be read; else a warning that says where the others are."""
    return dg.AssetCheckResult(
        asset_key=[*prefix, asset],
        check_name=READABLE,
        passed=outcome.rejects == 0,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{outcome.rejects} entries refused; raw.gc_rejects has each with its reason",
        metadata={"rejects": outcome.rejects},
    )
