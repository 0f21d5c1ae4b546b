"""What an hour of audio costs on paper."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import capacity
from benchmarks.capacity import CHUNKS, FIGURES, SOUNDS, Figure, Load, Service, Site, chunk_lengths_s, hours_per_day
from voxtrald.engines.voxtral.models import MODELS

SITE = Site(name="any", cores=2, uplink_mbit=50)
HOUR = Load(name="an hour", sound=SOUNDS["m4a"], minutes=60)
MEMO = Load(name="a memo", sound=SOUNDS["m4a"], minutes=1 / 6)
DAY_S = 24 * 3600

durations_ms = st.integers(1, 12 * 3_600_000)


@given(durations_ms)
def test_chunks_cover_the_recording_within_their_limits(duration_ms):
    """Cut on paper, a recording is as long as before, the first piece short and no piece too long."""
    lengths_s = chunk_lengths_s(duration_ms)

    assert sum(lengths_s) == pytest.approx(duration_ms / 1000)
    assert max(lengths_s) * 1000 <= CHUNKS.max_ms
    assert len(lengths_s) == 1 or lengths_s[0] * 1000 == CHUNKS.first_ms


def test_every_figure_says_what_it_is_and_where_it_comes_from():
    """No number is without its meaning and its origin, and it is a number all the same."""
    assert all(figure.meaning and figure.origin and figure > 0 for figure in FIGURES)
    assert Figure(2.0, "any", "assumed") * 3 == 6.0
    assert len({figure.meaning for figure in FIGURES}) == len(FIGURES)


def test_the_price_is_the_programs():
    """An hour costs what the table of prices says of the default model."""
    price = next(rules.price for rules in MODELS if "voxtral-mini-transcribe-3-0" in rules.names)

    assert price is not None
    assert capacity.cost_per_hour() == pytest.approx(60 * price.per_minute)


def test_a_day_is_what_fits_one_after_another():
    """The requests' hours a day are as many recordings as fit, one behind the other, into all slots."""
    service = Service(latency_s=2.0, latency_per_audio_s=0.1, short_s=0.0)

    hours = hours_per_day(SITE, MEMO, service)["requests"]

    assert hours == pytest.approx(SITE.requests * DAY_S / 3.0 * 10 / 3600)


@pytest.mark.parametrize(
    ("site", "place"),
    [
        (Site(name="twice the cores", cores=4, uplink_mbit=50), "cores"),
        (Site(name="twice the line", cores=2, uplink_mbit=100), "uplink"),
        (Site(name="twice the requests", cores=2, uplink_mbit=50, requests=16), "requests"),
    ],
)
def test_twice_as_much_carries_twice_as_much_there_and_only_there(site, place):
    """A place that doubles lets through twice as much; the others stay as they are."""
    before = hours_per_day(SITE, HOUR, Service())

    after = hours_per_day(site, HOUR, Service())

    assert after[place] == pytest.approx(2 * before[place])
    assert {name for name in before if after[name] != pytest.approx(before[name])} == {place}


def test_limits_of_ones_own_and_of_the_account_are_places_too():
    """A rate of requests and an account's audio per minute count where they are set."""
    site = Site(name="paced", cores=2, uplink_mbit=50, requests_per_s=0.5)

    places = hours_per_day(site, MEMO, Service(audio_s_per_minute=60.0))

    assert places["requests_per_s"] == pytest.approx(0.5 * DAY_S * 10 / 3600)
    assert places["account"] == pytest.approx(24.0)
    assert capacity.narrowest(places) == ("account", pytest.approx(24.0))


def test_what_lies_on_the_disk_at_once_has_a_bound():
    """A longer recording does not make more work files than its room has places for."""
    day, week = (Load(name="long", sound=SOUNDS["m4a"], minutes=60 * hours) for hours in (24, 168))

    assert capacity.work_mib(SITE, week) == pytest.approx(capacity.work_mib(SITE, day), rel=0.01)
