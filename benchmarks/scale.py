"""How much a machine carries: tables from formulas and from a simulation, for `docs/scale.md`.

    python -m benchmarks.scale                                              # print them; nothing is run
    python -m benchmarks.scale --write docs/scale.md                        # write them into the page
    python -m benchmarks.scale --validate --cache /var/tmp/voxtrald-benchmarks   # compare with the real daemon

The tables are computed, with a fixed seed: the same on every machine. `--validate` runs the daemon against the stand-in
with 60 memos and three recordings of about half an hour, and shows what the simulation says of the same.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks import arrivals, capacity
from benchmarks.arrivals import Arrival
from benchmarks.capacity import FIGURES, SOUNDS, Load, Service, Site
from benchmarks.reporting import percentile, table
from benchmarks.simulated_service import Weather
from benchmarks.simulation import Outcome, simulate

SMALL: Final = Site(name="small", cores=1, uplink_mbit=10)
USUAL: Final = Site(name="usual", cores=2, uplink_mbit=50)
LARGE: Final = Site(name="large", cores=8, uplink_mbit=500, recordings=8, requests=32)
SITES: Final = (SMALL, USUAL, LARGE)

LOADS: Final = (
    Load(name="m4a of an hour", sound=SOUNDS["m4a"], minutes=60),
    Load(name="mp3 of an hour, copied", sound=SOUNDS["mp3, copied"], minutes=60),
    Load(name="m4a of two minutes", sound=SOUNDS["m4a"], minutes=2),
    Load(name="m4a of ten seconds", sound=SOUNDS["m4a"], minutes=1 / 6),
)

_HOUR_S: Final = 3600.0
_OUTAGE: Final = (10 * _HOUR_S, 11 * _HOUR_S)
_ACCOUNT_S: Final = 3600.0
_LONGEST_S: Final = max(capacity.chunk_lengths_s(3 * 60 * 60 * 1000))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """People, a machine and a far side."""

    name: str
    site: Site
    come: Callable[[], Sequence[Arrival]]
    service: Service = field(default_factory=Service)
    weather: Weather = field(default_factory=Weather)

    def run(self) -> Outcome:
        """Simulate it."""
        return simulate(self.come(), site=self.site, service=self.service, weather=self.weather)


PACED: Final = Site(
    name="usual, paced", cores=2, uplink_mbit=50, requests=4, requests_per_s=_ACCOUNT_S / 60 / _LONGEST_S
)
CASES: Final = (
    *(Case(name="researcher: 200 interviews at once", site=site, come=arrivals.interviews) for site in SITES),
    Case(name="parish: a sermon a week", site=SMALL, come=arrivals.sermons),
    Case(name="newsroom: 60 clips an hour", site=USUAL, come=arrivals.clips),
    Case(
        name="newsroom, nothing answers for an hour",
        site=USUAL,
        come=arrivals.clips,
        weather=Weather(outages=(_OUTAGE,)),
    ),
    Case(name="memos: 1,000 of ten seconds at once", site=USUAL, come=arrivals.memos),
    *(Case(name="archive: 400 hours at once", site=site, come=arrivals.archive) for site in SITES),
    Case(
        name="researcher, the service takes 4 at once",
        site=USUAL,
        come=arrivals.interviews,
        weather=Weather(at_once=4),
    ),
    Case(
        name="researcher, the account has an hour of audio a minute",
        site=PACED,
        come=arrivals.interviews,
        service=Service(audio_s_per_minute=_ACCOUNT_S),
    ),
)


# --- tables ------------------------------------------------------------------------------------------------------


def figures_table() -> str:
    """List what everything is computed from."""
    rows = [(figure.meaning, f"{figure:.4g}", figure.origin) for figure in FIGURES]
    return table(("figure", "value", "where from"), rows)


def hour_table() -> str:
    """Say what an hour of audio costs, by what it comes in."""
    rows = [
        (
            load.name,
            capacity.chunks_of(load) / load.hours,
            4 * capacity.chunks_of(load) / load.hours,
            (capacity.ffmpeg_cpu_s(load) + capacity.daemon_cpu_s(load)) / load.hours,
            load.sound.bytes_per_s * _HOUR_S / 1e6,
            capacity.state_mib_per_hour(load),
            f"{capacity.cost_per_hour():.2f}",
        )
        for load in LOADS
    ]
    return table(
        ("an hour of audio as", "chunks", "requests", "CPU s", "MB sent", "MiB kept in the state folder", "USD"), rows
    )


def day_table() -> str:
    """Say how many hours of audio a day fit through each narrow place."""
    rows = []
    for site in SITES:
        for load in LOADS:
            places = capacity.hours_per_day(site, load, Service())
            name, hours = capacity.narrowest(places)
            usd = hours * capacity.cost_per_hour()
            shown = (_rounded(places[place]) for place in ("cores", "daemon", "requests", "uplink"))
            rows.append((site.name, load.name, *shown, name, _rounded(usd)))
    return table(
        ("machine", "recordings", "cores", "daemon", "requests", "uplink", "narrowest", "USD a day at that"), rows
    )


def machine_table() -> str:
    """Say what each machine holds at once."""
    load = LOADS[0]
    rows = [
        (
            site.name,
            site.cores,
            f"{site.uplink_mbit:g} Mbit/s",
            site.recordings,
            site.requests,
            capacity.memory_mib(site),
            capacity.most_in_work(site),
            _rounded(capacity.work_mib(site, load)),
        )
        for site in SITES
    ]
    return table(
        (
            "machine",
            "cores",
            "uplink",
            "`limits.recordings`",
            "`limits.requests`",
            "memory, MiB",
            "recordings in work at most",
            "prepared chunks on disk at most, MiB",
        ),
        rows,
    )


def course_table() -> str:
    """Say what the simulation says of each case."""
    return table(
        (
            "who",
            "machine",
            "hours of audio a day",
            "text after: median",
            "95 %",
            "longest",
            "cores",
            "requests",
            "uplink",
            "most waiting",
            "given up",
        ),
        [course_row(case, case.run()) for case in CASES],
    )


def course_row(case: Case, outcome: Outcome) -> tuple[object, ...]:
    """Write one case."""
    waited_s = [course.waited_s for course in outcome.courses if not course.failed] or [0.0]
    return (
        case.name,
        case.site.name,
        _rounded(outcome.hours_per_day),
        _time(statistics.median(waited_s)),
        _time(percentile(waited_s, 95) if len(waited_s) > 1 else waited_s[0]),
        _time(max(waited_s)),
        *(f"{100 * outcome.busy[place]:.0f} %" for place in ("cores", "requests", "uplink")),
        outcome.most_waiting,
        sum(course.failed for course in outcome.courses),
    )


TABLES: Final[Mapping[str, Callable[[], str]]] = {
    "figures": figures_table,
    "an hour": hour_table,
    "a day": day_table,
    "machines": machine_table,
    "courses": course_table,
}


def written(page: str, tables: Mapping[str, str]) -> str:
    """Give the page with its tables written anew."""
    for name, text in tables.items():
        head, mark, rest = page.partition(f"<!-- {name} -->\n")
        _, end, tail = rest.partition(f"<!-- end of {name} -->")
        if not (mark and end):
            raise ValueError(f"the page has no place for {name}")
        page = f"{head}{mark}{text}\n{end}{tail}"
    return page


def _rounded(value: float) -> str:
    return f"{value:.2g}" if value < 10 else f"{value:,.0f}"


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / _HOUR_S:.1f} h"


def main() -> None:
    """Print, write or validate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the tables into this page")
    parser.add_argument("--validate", action="store_true", help="run the daemon and compare")
    parser.add_argument("--cache", type=Path, help="for --validate: where recordings are made once and kept")
    chosen = parser.parse_args()
    if chosen.validate and chosen.cache is None:
        parser.error("--validate needs --cache")
    tables = (
        {"validation": validated(chosen.cache)} if chosen.validate else {name: make() for name, make in TABLES.items()}
    )
    for name, text in tables.items():
        print(f"\n{name}\n\n{text}")
    if chosen.write is not None:
        page = chosen.write.read_text(encoding="utf-8")
        chosen.write.write_text(written(page, tables), encoding="utf-8")


def validated(cache: Path) -> str:
    """Run the daemon, and compare."""
    from benchmarks.validating import validation_table  # noqa: PLC0415 - needs what only a run needs

    return validation_table(cache, cores=os.cpu_count() or 1)


if __name__ == "__main__":
    main()
