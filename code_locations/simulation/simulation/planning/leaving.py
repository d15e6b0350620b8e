"""Who leaves: factors of tenure, age, level, department and job family, as far as exposure carries.

The chance to leave in a year is 1 - exp(-h), and log h is a base plus a factor of each group: the
weights by which the simulation draws leavers. The factors are fitted together by a Poisson
regression with a ridge penalty, which is credibility: a group with e expected leavers keeps the
share z = e / (e + k) of what it shows. k is chosen by cross-validation over people.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GROUPS = ("tenure_band", "age_band", "level", "department", "job_family")
_FOLDS = 5
# k, in expected leavers: from hardly any doubt in a group to hardly any difference between groups
_CREDIBILITIES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
_Z90 = 1.645


@dataclass(frozen=True)
class Factor:
    """How much likelier than the others a group is to leave, with its evidence.

    `exposed` are person-years, `observed` leavers, `expected` those that the base and the other
    factors predict. `raw` is observed to expected, `fitted` what is kept of it, and from `low`
    to `high` is where it lies with 90 %. `credibility` is z.
    """

    group: str
    name: str
    exposed: int
    observed: int
    expected: float
    raw: float
    fitted: float
    low: float
    high: float
    credibility: float


@dataclass(frozen=True)
class Leaving:
    """The fitted factors, k, and the share of those exposed who left."""

    rate: float
    k: float
    factors: list[Factor]

    def of(self, group: str) -> list[Factor]:
        """Return the factors of a group."""
        return [factor for factor in self.factors if factor.group == group]


def fit_leaving(
    cells: "Mapping[str, NDArray[Any]]", *, groups: tuple[str, ...] = GROUPS
) -> Leaving:
    """Fit the factors to counts of person-years.

    Args:
        cells: columns of equal length: the `groups`, the `fold` of the people, a whole number
            from 0 to 4, how many `people` they were, and how many of them `left`.
        groups: the columns whose values may differ.
    """
    import numpy as np
    from sklearn.linear_model import PoissonRegressor
    from sklearn.metrics import mean_poisson_deviance

    people, left = np.asarray(cells["people"], float), np.asarray(cells["left"], float)
    names = [(group, name) for group in groups for name in sorted(set(cells[group]), key=str)]
    features = np.column_stack([np.asarray(cells[group] == name, float) for group, name in names])
    # Leavers are exposed for half of the year: so 1 - exp(-h) leave where the hazard is h.
    weight = people - left / 2

    def model(rows: "NDArray[np.bool_]", k: float) -> PoissonRegressor:
        # sklearn divides the deviance by the sum of the weights, so that k is alpha times the sum
        return PoissonRegressor(
            alpha=k / weight[rows].sum(), solver="newton-cholesky", max_iter=200
        ).fit(features[rows], (left / weight)[rows], sample_weight=weight[rows])

    def held_out(k: float) -> float:
        folds = [cells["fold"] == fold for fold in range(_FOLDS)]
        return sum(
            mean_poisson_deviance(
                (left / weight)[fold],
                model(~fold, k).predict(features[fold]),
                sample_weight=weight[fold],
            )
            * weight[fold].sum()
            for fold in folds
            if fold.any()
        )

    k = min(_CREDIBILITIES, key=held_out)
    everybody = np.ones(len(people), dtype=bool)
    fitted = model(everybody, k)
    expected = fitted.predict(features) * weight
    # the curvature of the penalised likelihood, the base included
    design = np.column_stack([np.ones(len(people)), features])
    curvature = design.T @ (design * expected[:, None]) + np.diag([0.0, *np.full(len(names), k)])
    covariance = np.linalg.inv(curvature)[1:, 1:]
    # Only ratios count: the mean log of each group is 0, so that no error is that of the base.
    exposures = features.T @ people
    same_group = np.array([[one[0] == other[0] for other in names] for one in names])
    shares = same_group * exposures / (same_group @ exposures)[:, None]
    centred = np.eye(len(names)) - shares
    logs = centred @ fitted.coef_
    errors = np.sqrt(np.diag(centred @ covariance @ centred.T))
    factors = []
    for column, (group, name) in enumerate(names):
        inside = features[:, column] == 1
        without = float(expected[inside].sum() / np.exp(logs[column]))
        factors.append(
            Factor(
                group=group,
                name=str(name),
                exposed=int(exposures[column]),
                observed=int(left[inside].sum()),
                expected=without,
                raw=float(left[inside].sum() / without),
                fitted=float(np.exp(logs[column])),
                low=float(np.exp(logs[column] - _Z90 * errors[column])),
                high=float(np.exp(logs[column] + _Z90 * errors[column])),
                credibility=without / (without + k),
            )
        )
    return Leaving(rate=float(left.sum() / people.sum()), k=k, factors=factors)
