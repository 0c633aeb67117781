"""Counts -> shares with 95% intervals: Wilson's for pairs, a bootstrap for prompts that carry many dependent comparisons."""

import math
import random
import statistics
import typing

Z95 = 1.959963984540054
RESAMPLES = 1000


class Share(typing.NamedTuple):
    """A share and the ends of its 95% interval."""

    value: float
    low: float
    high: float

    def json(self) -> dict[str, float]:
        return {"value": round(self.value, 5), "low": round(self.low, 5), "high": round(self.high, 5)}


def wilson(share: float, count: int) -> Share:
    """Wilson's interval (1927) of a share of `count` independent trials."""
    if count == 0:
        return Share(math.nan, 0.0, 1.0)
    z2 = Z95 * Z95 / count
    centre = (share + z2 / 2) / (1 + z2)
    reach = math.sqrt(share * (1 - share) * z2 + z2 * z2 / 4) / (1 + z2)
    return Share(share, max(0.0, min(centre - reach, share)), min(1.0, max(centre + reach, share)))


def over_seeds(shares: list[float], count: int) -> dict:
    """The mean of what several seeds gave on the same `count` pairs, and the lowest and highest of them.

    Models of different seeds judge the same pairs, so the interval is Wilson's at the number of pairs, not of judgments: it holds for the
    pairs that were drawn, and the spread of the seeds stands beside it.
    """
    mean = wilson(statistics.fmean(shares), count)
    return mean.json() | {"pairs": count, "seeds": [round(share, 5) for share in shares]}


def bootstrap(values: list[float]) -> Share:
    """The mean of one value for each prompt, with the percentile interval over prompts drawn again; the same values give the same interval."""
    if not values:
        return Share(math.nan, 0.0, 1.0)
    draw = random.Random(0)
    means = sorted(statistics.fmean(draw.choices(values, k=len(values))) for _ in range(RESAMPLES))
    tail = round(0.025 * RESAMPLES)
    return Share(statistics.fmean(values), means[tail], means[-tail - 1])


def mean(values: typing.Iterable[float]) -> float | None:
    """The mean, `None` of nothing."""
    values = list(values)
    return statistics.fmean(values) if values else None
