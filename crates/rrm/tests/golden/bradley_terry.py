"""Match lists -> Bradley-Terry strengths and standard errors by independent means, as bradley_terry.json beside this file.

Run with statsmodels 0.15.0, numpy and scipy. Where the likelihood has a maximum, a logistic regression of statsmodels answers: one
column for each player but the last, +1 and -1 in a match's row; a tie is a win and a loss of weight one half. Without ties `Logit`
fits it, with ties `GLM` with weights (and where both apply they are checked against each other). The last player's strength is 0 in it,
so coefficients and covariance are moved to strengths that sum to zero. Where there is no maximum, scipy maximises the likelihood with
a normal prior, and the standard errors come from the pseudo-inverse of the information without the direction in which all
strengths move together. Strengths are natural logarithms of odds. Matches are [a, b, w], w = 1 where a wins, 2 where b wins, 0 for a tie.
"""

import json
import math
import pathlib
import random

import numpy as np
import scipy.optimize
import scipy.special
import statsmodels
import statsmodels.api as sm

# Standard deviation of the prior, 400 points on a scale of 400 points for odds of ten to one.
SPREAD = math.log(10.0)
# name, players, matches, share of ties, log odds between neighbours, whether a maximum exists (checked by the Rust test)
CASES = [
    ("two players", 2, 9, 0.0, 0.5, True),
    ("three players", 3, 30, 0.0, 0.7, True),
    ("eight players", 8, 150, 0.0, 0.3, True),
    ("ties", 8, 150, 0.3, 0.3, True),
    ("sixteen players, few matches", 16, 120, 0.1, 0.1, True),
    ("thirty-two players", 32, 1200, 0.1, 0.1, True),
    ("one match", 2, 1, 0.0, 0.0, False),
    ("knockout-like", 8, 7, 0.0, 0.5, False),
    ("strong and weak", 6, 20, 0.0, 2.0, False),
]


def matches(seed: int, players: int, count: int, ties: float, gap: float) -> list[list[int]]:
    """Random meetings of players whose strength falls with their number; every player meets somebody."""
    rng = random.Random(seed)
    played = []
    for number in range(count):
        a, b = rng.sample(range(players), 2) if number >= players - 1 else (number + 1, rng.randrange(number + 1))
        better = rng.random() < 1.0 / (1.0 + math.exp(gap * (a - b)))
        played.append([a, b, 0 if rng.random() < ties else (1 if better else 2)])
    return played


def design(players: int, played: list[list[int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, outcomes and weights of the regression, with a column for every player."""
    rows, outcomes, weights = [], [], []
    for a, b, w in played:
        row = np.zeros(players)
        row[a], row[b] = 1.0, -1.0
        for outcome, weight in {0: [(1, 0.5), (0, 0.5)], 1: [(1, 1.0)], 2: [(0, 1.0)]}[w]:
            rows.append(row)
            outcomes.append(outcome)
            weights.append(weight)
    return np.array(rows), np.array(outcomes, dtype=float), np.array(weights)


def maximum(players: int, played: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Strengths and standard errors by statsmodels."""
    rows, outcomes, weights = design(players, played)
    reduced = rows[:, :-1]
    fitted = sm.GLM(outcomes, reduced, family=sm.families.Binomial(), freq_weights=weights).fit(tol=1e-13, maxiter=200)
    if (weights == 1.0).all():
        logit = sm.Logit(outcomes, reduced).fit(method="newton", tol=1e-13, maxiter=200, disp=False)
        assert np.allclose(logit.params, fitted.params, atol=1e-8) and np.allclose(logit.bse, fitted.bse, atol=1e-7)
        fitted = logit
    centring = np.eye(players) - np.full((players, players), 1.0 / players)
    strengths = centring @ np.append(fitted.params, 0.0)
    covariance = np.zeros((players, players))
    covariance[:-1, :-1] = fitted.cov_params()
    return strengths, np.sqrt(np.diag(centring @ covariance @ centring))


def penalised(players: int, played: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Strengths and standard errors under a normal prior, by scipy."""
    rows, outcomes, weights = design(players, played)
    signed = rows * (2.0 * outcomes - 1.0)[:, None]

    def loss(strengths: np.ndarray) -> float:
        return -weights @ scipy.special.log_expit(signed @ strengths) + strengths @ strengths / (2 * SPREAD**2)

    def gradient(strengths: np.ndarray) -> np.ndarray:
        return -signed.T @ (weights * scipy.special.expit(-signed @ strengths)) + strengths / SPREAD**2

    def information(strengths: np.ndarray) -> np.ndarray:
        chance = scipy.special.expit(signed @ strengths)
        return signed.T @ (signed * (weights * chance * (1 - chance))[:, None]) + np.eye(players) / SPREAD**2

    found = scipy.optimize.minimize(loss, np.zeros(players), jac=gradient, hess=information, method="trust-exact", options={"gtol": 1e-12})
    centring = np.eye(players) - np.full((players, players), 1.0 / players)
    covariance = np.linalg.pinv(centring @ information(found.x) @ centring, rcond=1e-12)
    return found.x, np.sqrt(np.diag(covariance))


def main() -> None:
    cases = []
    for seed, (name, players, count, ties, gap, exists) in enumerate(CASES):
        played = matches(seed, players, count, ties, gap)
        strengths, errors = maximum(players, played) if exists else penalised(players, played)
        case = {"name": name, "n": players, "penalised": not exists, "played": played}
        cases.append(case | {"strengths": strengths.tolist(), "errors": errors.tolist()})
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(f'{{"statsmodels":"{statsmodels.__version__}","cases":[\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
