"""Results: printed as they come, with what is asked of them at the end, and kept as JSON."""

from dataclasses import dataclass, field
from statistics import median
from typing import Any

import orjson
import pytest

from tests.benchmarks.load import Load
from tests.servers import ROOT

RESULTS = ROOT / ".cache" / "benchmarks.json"

Round = dict[str, Load]
"""Of each contestant, by name."""


@dataclass(frozen=True)
class Gate:
    """What is required of a figure, and what is aimed at."""

    what: str
    value: float
    gate: float
    aim: float
    unit: str = ""
    """With a unit, less is better."""

    @property
    def verdict(self) -> str:
        if (self.value > self.gate) if self.unit else (self.value < self.gate):
            return "below the gate"
        reached = self.value <= self.aim if self.unit else self.value >= self.aim
        return "PASS, aim reached" if reached else "PASS"

    @property
    def missed_by_far(self) -> bool:
        """By more than a third: that is not the machine's noise."""
        return self.value > self.gate * 4 / 3 if self.unit else self.value < self.gate * 2 / 3


def _spread(values: list[float], form: str) -> str:
    return f"{median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def median_ratio(rounds: list[Round], name: str, beside: str) -> float:
    return median(each[name].per_second / each[beside].per_second for each in rounds)


@dataclass
class Board:
    gates: list[Gate] = field(default_factory=list)
    results: dict[str, Any] = field(default_factory=dict)

    def judge(self, *gates: Gate) -> None:
        """Fails where one is missed by far."""
        self.gates += gates
        missed = [f"{each.what}: {each.value:.2f}{each.unit}" for each in gates if each.missed_by_far]
        if missed:
            pytest.fail(f"Missed by more than a third: {', '.join(missed)}", pytrace=False)

    def question(self, question: str, rounds: list[Round], statements: dict[str, float | None]) -> None:
        print(f"\n{question:12} {'requests/s':>24} {'of the limit':>24} {'by CPU':>8} {'CPU ms':>7} {'SQL':>5}")
        kept = self.results[question] = {}
        for name in sorted(rounds[0], key=list(statements).index):
            speeds = [each[name].per_second for each in rounds]
            ratios = [each[name].per_second / each["limit"].per_second for each in rounds]
            cpu = [each["limit"].cpu / each[name].cpu for each in rounds]
            kept[name] = {
                "per_second": {"median": median(speeds), "rounds": speeds},
                "of_limit": {"median": median(ratios), "rounds": ratios},
                "cpu_of_limit": {"median": median(cpu), "rounds": cpu},
                "cpu_milliseconds": median(each[name].cpu for each in rounds),
                "p50_milliseconds": median(each[name].p50 for each in rounds),
                "p99_milliseconds": median(each[name].p99 for each in rounds),
                "statements": statements[name],
            }
            sql = "" if statements[name] is None else f"{statements[name]:.1f}"
            print(
                f"  {name:10} {_spread(speeds, '.0f'):>24} {_spread(ratios, '.2f'):>24} {median(cpu):8.2f} "
                f"{kept[name]['cpu_milliseconds']:7.2f} {sql:>5}"
            )

    def write(self) -> None:
        if self.gates:
            print(f"\n\n{'':48} {'measured':>9} {'gate':>9} {'aim':>9}")
        for each in self.gates:
            form = ".0f" if each.unit == " MiB" else ".1f" if each.unit else ".2f"
            figures = [f"{value:{form}}{each.unit}" for value in (each.value, each.gate, each.aim)]
            print(f"{each.what:48} {figures[0]:>9} {figures[1]:>9} {figures[2]:>9}  {each.verdict}")
        gates = [each.__dict__ | {"verdict": each.verdict} for each in self.gates]
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_bytes(orjson.dumps({"gates": gates, "results": self.results}, option=orjson.OPT_INDENT_2))
        print(f"Kept in {RESULTS.relative_to(ROOT)}")
