"""Asset attributes, as set by the rules of the configuration."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import dagster as dg

from shared_lib.configuration.validated_yaml import Location, Problem
from shared_lib.discovery.configuration import assets as configured
from shared_lib.discovery.definitions.clock import clock_problem
from shared_lib.discovery.modules import UnresolvedReferenceError, did_you_mean, find_object
from shared_lib.discovery.patterns import fits
from shared_lib.metadata import NO_FRESHNESS_POLICY

Asset = dg.AssetsDefinition | dg.AssetSpec

# Attributes of the step that materialises an asset, and perhaps others too.
_OF_THE_STEP = ("backfill", "retry", "pool")
_ATTRIBUTES = (
    *("group", "owners", "kinds", "tags", "partitions", "automation", "freshness"),
    *_OF_THE_STEP,
)


@dataclass(frozen=True)
class Given:
    """An attribute that a rule sets on an asset, and where the rule is defined."""

    value: Any
    location: Location


@dataclass
class AttributedAssets:
    """The assets with their attributes, the origin of each attribute, and the problems."""

    assets: list[Asset]
    given: dict[dg.AssetKey, dict[str, Given]]
    problems: list[Problem] = field(default_factory=list)


def apply_rules(
    assets: Sequence[Asset],
    rules: Sequence[configured.AssetRule],
    *,
    before: Mapping[dg.AssetKey, Mapping[str, Given]],
    partitions: Mapping[str, dg.PartitionsDefinition],
    package: str,
) -> AttributedAssets:
    """Apply the rules to the assets; attributes set only in code stay unchanged.

    Args:
        assets: the assets.
        rules: the rules.
        before: for each key, attributes that stay where no rule sets them.
        partitions: the partitions by name.
        package: the package that conditions are relative to.
    """
    keys = {key for asset in assets for key in keys_of(asset)}
    problems: list[Problem] = []
    given = {key: {**before.get(key, {}), **_given(key, rules)} for key in keys}
    result = AttributedAssets([], given, problems)
    for asset in assets:
        of_step = _of_step(asset, given, problems)
        result.assets.append(_with_attributes(asset, given, of_step, partitions, package, problems))
    return result


def keys_of(asset: Asset) -> list[dg.AssetKey]:
    """Return the keys of an asset definition or spec."""
    return [asset.key] if isinstance(asset, dg.AssetSpec) else sorted(asset.keys)


def unmatched(rules: Sequence[configured.AssetRule], assets: Sequence[Asset]) -> list[Problem]:
    """Return the patterns that match none of all the location's assets."""
    names = sorted({key.to_user_string() for asset in assets for key in keys_of(asset)})
    return [
        Problem(
            ("assets", position, "match"),
            f"{pattern!r} matches no asset of the location{did_you_mean(pattern, names)}",
        )
        for position, rule in enumerate(rules)
        for pattern in rule.patterns
        if not any(fits(pattern, name) for name in names)
    ]


def _given(key: dg.AssetKey, rules: Sequence[configured.AssetRule]) -> dict[str, Given]:
    name = key.to_user_string()
    found: dict[str, Given] = {}
    for position, rule in enumerate(rules):
        if not any(fits(pattern, name) for pattern in rule.patterns):
            continue
        for attribute in _ATTRIBUTES:
            value = getattr(rule, attribute)
            if value is not None:
                found[attribute] = Given(value, ("assets", position, attribute))
    return found


def _of_step(
    asset: Asset, given: Mapping[dg.AssetKey, dict[str, Given]], problems: list[Problem]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for attribute in _OF_THE_STEP:
        by_key = {key: given[key].get(attribute) for key in keys_of(asset)}
        entries = [entry for entry in by_key.values() if entry is not None]
        if not entries:
            continue
        without = [key.to_user_string() for key, entry in by_key.items() if entry != entries[0]]
        if isinstance(asset, dg.AssetSpec) or not asset.is_executable:
            text = "belongs to a step, and no step of this location makes this asset"
            problems.append(Problem(entries[0].location, text))
        elif isinstance(asset.node_def, dg.GraphDefinition) and attribute != "backfill":
            text = f"belongs to a step, and the graph {asset.node_def.name} has steps of its own"
            problems.append(Problem(entries[0].location, f"{text}: set it in their code"))
        elif without:
            text = (
                f"belongs to the step {asset.node_def.name}, which also makes "
                f"{', '.join(without)}: one rule must fit all of them"
            )
            problems.append(Problem(entries[0].location, text))
        else:
            found[attribute] = entries[0].value
    return found


def _with_attributes(
    asset: Asset,
    given: Mapping[dg.AssetKey, dict[str, Given]],
    of_step: Mapping[str, Any],
    partitions: Mapping[str, dg.PartitionsDefinition],
    package: str,
    problems: list[Problem],
) -> Asset:
    def of_spec(spec: dg.AssetSpec) -> dg.AssetSpec:
        attributes = given[spec.key]
        changed = spec
        for name, entry in attributes.items():
            if name == "partitions" and entry.value not in partitions:
                continue  # reported where its name is defined or missing
            try:
                changed = _changed(changed, name, entry.value, partitions, package)
            except _RefusedError as error:
                problems.append(Problem((*entry.location, *error.field), str(error)))
            except (UnresolvedReferenceError, dg.DagsterInvalidDefinitionError) as error:
                problems.append(Problem(entry.location, " ".join(str(error).split())))
        return changed.merge_attributes(metadata=_metadata(attributes.get("freshness")))

    [changed] = dg.map_asset_specs(of_spec, [asset])
    if isinstance(changed, dg.AssetsDefinition) and of_step:
        return _with_step_attributes(changed, of_step)
    return changed


class _RefusedError(ValueError):
    """Dagster refuses a part of an attribute; ``field`` leads to it."""

    def __init__(self, text: str, field: Location) -> None:
        super().__init__(text)
        self.field = field


def _changed(
    spec: dg.AssetSpec,
    name: str,
    value: Any,
    partitions: Mapping[str, dg.PartitionsDefinition],
    package: str,
) -> dg.AssetSpec:
    if name == "tags":
        return spec.merge_attributes(tags=_texts(value))
    changed = spec.replace_attributes(**_changes(name, value, partitions, package))
    if name == "group":
        dg.AssetsDefinition(specs=[changed])  # which checks it; a spec does not
    return changed


def _changes(
    name: str, value: Any, partitions: Mapping[str, dg.PartitionsDefinition], package: str
) -> dict[str, Any]:
    match name:
        case "group":
            return {"group_name": value}
        case "owners" | "kinds":
            return {name: set(value) if name == "kinds" else value}
        case "partitions":
            return {"partitions_def": partitions[value]}
        case "automation":
            return {"automation_condition": automation_condition(value, package=package)}
        case "freshness":
            return {"freshness_policy": _freshness(value)}
    return {}


def _metadata(freshness: Given | None) -> dict[str, str]:
    if freshness is None or not isinstance(freshness.value, configured.NoFreshness):
        return {}
    return {NO_FRESHNESS_POLICY: freshness.value.reason}


def _texts(tags: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in tags.items()}


def automation_condition(
    entry: configured.Automation, *, package: str
) -> dg.AutomationCondition[Any]:
    """Return the automation condition that an entry describes.

    Raises:
        UnresolvedReferenceError: a named condition does not exist or is not a condition.
        dagster.DagsterInvalidDefinitionError: Dagster does not accept a cron schedule.
    """
    match entry:
        case configured.Eager():
            condition = dg.AutomationCondition.eager()
        case configured.OnMissing():
            condition = dg.AutomationCondition.on_missing()
        case configured.OnCron():
            # on_cron accepts any text; a schedule does not
            dg.ScheduleDefinition(
                name="automation", cron_schedule=entry.cron, job_name="automation",
                execution_timezone=entry.timezone,
            )  # fmt: skip
            condition = dg.AutomationCondition.on_cron(entry.cron, entry.timezone)
        case configured.NamedCondition():
            condition = find_object(entry.condition, package=package)
            if not isinstance(condition, dg.AutomationCondition):
                raise UnresolvedReferenceError(f"{entry.condition} is not an automation condition")
    # with_label is documented, but added to the class in a way that type checkers do not see
    return cast("Any", condition).with_label(entry.label) if entry.label else condition


def _freshness(entry: configured.Freshness) -> dg.FreshnessPolicy | None:
    if isinstance(entry, configured.NoFreshness):
        return None
    if isinstance(entry, configured.DeadlineFreshness):
        return _deadline(entry)
    warn = entry.warn_after_minutes
    return dg.FreshnessPolicy.time_window(
        fail_window=timedelta(minutes=entry.fail_after_minutes),
        warn_window=timedelta(minutes=warn) if warn is not None else None,
    )


def _deadline(entry: configured.DeadlineFreshness) -> dg.FreshnessPolicy:
    problem = clock_problem(entry.cron, entry.timezone, ())
    if problem is not None:
        raise _RefusedError(problem.text, problem.location)
    try:
        return dg.FreshnessPolicy.cron(
            deadline_cron=entry.cron,
            lower_bound_delta=timedelta(minutes=entry.within_minutes),
            timezone=entry.timezone,
        )
    except Exception as error:  # the error of Dagster's checks has no public class
        text = (
            f"{entry.within_minutes:g} is not allowed, allowed is from 1 to the shortest time "
            f"between two ticks of {entry.cron!r}"
        )
        raise _RefusedError(text, ("within_minutes",)) from error


def _with_step_attributes(
    asset: dg.AssetsDefinition, of_step: Mapping[str, Any]
) -> dg.AssetsDefinition:
    backfill = of_step.get("backfill")
    if backfill is not None:
        policy = (
            dg.BackfillPolicy.single_run()
            if backfill.partitions_per_run is None
            else dg.BackfillPolicy.multi_run(backfill.partitions_per_run)
        )
        asset = asset.with_attributes(backfill_policy=policy)
    retry, pool = of_step.get("retry"), of_step.get("pool")
    if retry is None and pool is None:
        return asset
    return with_changed_step(
        asset,
        retry_policy=_retry(retry) if retry else asset.op.retry_policy,
        pool=pool or asset.op.pool,
    )


def with_changed_step(asset: dg.AssetsDefinition, **changes: Any) -> dg.AssetsDefinition:
    """Return the asset with ``changes`` of its step, whose other parameters stay.

    Raises:
        AttributeError: a step of the installed Dagster has a parameter that cannot be read back.
    """
    step = _copied_step(asset.op, **changes)
    # Dagster has no public way to replace an asset's step; its own with_attributes does this.
    return dg.AssetsDefinition.dagster_internal_init(
        **{**asset.get_attributes_dict(), "node_def": step}
    )


def _copied_step(step: dg.OpDefinition, **changes: Any) -> dg.OpDefinition:
    parameters = inspect.signature(dg.OpDefinition).parameters.keys()
    # `version` is the old name of `code_version`, which the property still has
    values = {name: getattr(step, name) for name in parameters - {"version", "code_version"}}
    return dg.OpDefinition(**{**values, "code_version": step.version, **changes})


def _retry(entry: configured.RetryPolicy) -> dg.RetryPolicy:
    backoff = {
        "constant": None,
        "linear": dg.Backoff.LINEAR,
        "exponential": dg.Backoff.EXPONENTIAL,
    }
    return dg.RetryPolicy(
        max_retries=entry.max_retries,
        delay=entry.delay_seconds,
        backoff=backoff[entry.backoff],
        jitter=dg.Jitter.FULL if entry.jitter else None,
    )
