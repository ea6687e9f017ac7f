"""The aggregates of a group by the names that FortiSIEM gives them."""

from __future__ import annotations

from dataclasses import dataclass

from dogwatch.base.message import nearest
from dogwatch.logic.pattern import AggregateFunction, Statistic


@dataclass(frozen=True, slots=True)
class Measure:
    """An aggregate.

    Attributes:
        name: Its name as FortiSIEM writes it.
        function: What is computed.
        percent: Which percentile, if its name says so.
    """

    name: str
    function: AggregateFunction
    percent: float | None = None

    @property
    def needs_percent(self) -> bool:
        """Whether its second argument says which percentile."""
        return self.function is AggregateFunction.PCTILE and self.percent is None


_ALL = (
    *(
        Measure(function.name, function)
        for function in AggregateFunction
        if function not in (AggregateFunction.COUNT_DISTINCT, AggregateFunction.PCTCHANGE)
    ),
    Measure("PctChange", AggregateFunction.PCTCHANGE),
    Measure("Pctile95", AggregateFunction.PCTILE, 95.0),
)

_MEASURES = {measure.name.upper(): measure for measure in _ALL}

STATISTICS = {statistic.value: statistic for statistic in Statistic}
"""What a baseline profile tells, by name."""

QUERY_ONLY = frozenset({"EMA", "SMA"})
"""Averages over the time buckets of a query, which a rule has none of."""

_ELSEWHERE = {
    "COUNT_DISTINCT": "COUNT(DISTINCT attribute)",
    "COUNTDISTINCT": "COUNT(DISTINCT attribute)",
    "AVERAGE": "AVG",
    "MEAN": "AVG",
    "STDEV": "STDDEV",
    "PERCENTILE": "PCTILE",
}


def measure_named(name: str) -> Measure | None:
    """The aggregate of a name, in any letter case."""
    return _MEASURES.get(name.upper())


def is_measure(name: str) -> bool:
    """Whether a name is that of something computed over many events."""
    return name.upper() in _MEASURES or name.upper() in QUERY_ONLY | STATISTICS.keys()


def suggest_measure(name: str) -> str | None:
    """The aggregate that an unknown name was most likely meant to be."""
    return _ELSEWHERE.get(name.upper()) or nearest(name, [*(each.name for each in _ALL), *STATISTICS])
