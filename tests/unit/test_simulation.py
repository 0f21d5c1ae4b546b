"""The simulation of the program, where what must come out is known."""

import statistics

import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import arrivals
from benchmarks.arrivals import dropped_at_once
from benchmarks.capacity import SOUNDS, Load, Service, Site, hours_per_day, narrowest
from benchmarks.sharing import Shared
from benchmarks.simulated_service import Weather
from benchmarks.simulation import simulate

USUAL = Site(name="usual", cores=2, uplink_mbit=50)
CALM = Weather(spread=0.0)
M4A = SOUNDS["m4a"]


def memos(count):
    """Drop memos of ten seconds at once."""
    return dropped_at_once([(10.0, M4A)] * count)


# --- a capacity that is shared -----------------------------------------------------------------------------------


@given(st.lists(st.floats(0.1, 10.0), min_size=1, max_size=8), st.floats(0.5, 4.0))
def test_shared_work_takes_as_long_as_there_is_of_it(amounts, capacity):
    """Whoever shares a capacity of which each may use all, the last one ends when all the work is done."""
    env = simpy.Environment()
    shared = Shared(env, capacity=capacity, most_each=capacity)

    env.run(until=env.all_of([shared.take(amount) for amount in amounts]))

    assert env.now == pytest.approx(sum(amounts) / capacity)
    assert shared.busy_share(env.now) == pytest.approx(1.0)


def test_one_job_uses_one_core():
    """A job cannot use more than its share of a machine, and half of the cores are idle."""
    env = simpy.Environment()
    cores = Shared(env, capacity=2.0, most_each=1.0)

    env.run(until=cores.take(3.0))

    assert env.now == pytest.approx(3.0)
    assert cores.busy_share(env.now) == pytest.approx(0.5)


def test_who_comes_later_slows_the_others_down():
    """Two share a line evenly for as long as both are there."""
    env = simpy.Environment()
    line, ends = Shared(env, capacity=1.0, most_each=1.0), {}

    def user(name, begin_s, amount):
        yield env.timeout(begin_s)
        yield line.take(amount)
        ends[name] = env.now

    env.process(user("first", 0.0, 2.0))
    env.process(user("second", 1.0, 0.5))
    env.run()

    assert ends == {"second": pytest.approx(2.0), "first": pytest.approx(2.5)}


# --- the program -------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_course():
    """A run can be repeated, and another seed is another run."""
    runs = [simulate(memos(30), site=USUAL, service=Service(), seed=seed).length_s for seed in (1, 1, 2)]

    assert runs[0] == runs[1] != runs[2]


def test_one_recording_alone_takes_its_steps_one_after_another():
    """A memo waits for its notice, its preparation, and the latency of its requests."""
    service = Service(latency_s=3.0, latency_per_audio_s=0.1, short_s=0.0)

    (course,) = simulate(memos(1), site=USUAL, service=service, weather=CALM).courses

    assert 4.0 < course.waited_s < 4.0 + 0.3


def test_requests_are_never_more_than_allowed():
    """Where the far side takes as many as are allowed, it never has to refuse one."""
    outcome = simulate(memos(100), site=USUAL, service=Service(), weather=Weather(at_once=USUAL.requests))

    assert outcome.refused == {}


@pytest.mark.parametrize(
    ("site", "service", "minutes", "place"),
    [
        (Site(name="few cores", cores=1, uplink_mbit=500, requests=32), Service(), 60, "cores"),
        (Site(name="slow line", cores=4, uplink_mbit=5), Service(), 60, "uplink"),
        (USUAL, Service(), 1 / 6, "requests"),
        (
            Site(name="paced", cores=2, uplink_mbit=50, requests_per_s=0.5),
            Service(),
            1 / 6,
            "requests_per_s",
        ),
    ],
)
def test_formulas_and_simulation_agree(site, service, minutes, place):
    """Where one place is much narrower than the others, both give the same hours a day, but for begin and end."""
    load = Load(name="any", sound=M4A, minutes=minutes)
    name, hours = narrowest(hours_per_day(site, load, service))
    count = 60 if minutes > 1 else 300

    outcome = simulate(dropped_at_once([(60.0 * minutes, M4A)] * count), site=site, service=service, weather=CALM)

    assert name == place
    assert outcome.hours_per_day == pytest.approx(hours, rel=0.1)


def test_an_outage_costs_its_time_and_no_recording():
    """What comes while nothing answers has its text soon after, and nothing is given up."""
    coming = arrivals.clips(3)
    outage = (3600.0, 7200.0)

    outcome = simulate(coming, site=USUAL, service=Service(), weather=Weather(spread=0.0, outages=(outage,)))

    late = [course for course in outcome.courses if outage[0] <= course.arrival.at_s < outage[1]]
    assert late
    assert not any(course.failed for course in outcome.courses)
    assert all(outage[1] < (course.done_s or 0.0) < outage[1] + 600 for course in late)


def test_a_pause_asked_for_is_kept():
    """A chunk that was refused for too many at once comes again after the time that was asked for."""
    alone = Weather(spread=0.0, at_once=1, retry_after_s=30.0)

    outcome = simulate(memos(2), site=USUAL, service=Service(short_s=0.0), weather=alone)

    first_s, second_s = sorted(course.waited_s for course in outcome.courses)
    assert outcome.refused == {"api_busy": 1}
    assert 30.0 < second_s - first_s < 35.0


def test_short_ones_do_not_wait_for_long_ones_that_are_prepared():
    """Memos behind long recordings get their turn while the service works on these."""
    coming = dropped_at_once([(3600.0, M4A)] * 2 + [(10.0, M4A)] * 5)

    outcome = simulate(coming, site=USUAL, service=Service(latency_per_audio_s=0.2), weather=CALM)

    waited_s = [course.waited_s for course in outcome.courses]
    assert max(waited_s[2:]) < statistics.fmean(waited_s[:2])


@pytest.mark.parametrize("come", [arrivals.interviews, arrivals.clips, arrivals.sermons, arrivals.archive])
def test_recordings_come_in_order_and_are_the_same_each_time(come):
    """Arrivals are sorted by time and do not depend on when they are made."""
    coming = come()

    assert coming == come()
    assert [each.at_s for each in coming] == sorted(each.at_s for each in coming)
    assert all(each.duration_s > 0 for each in coming)
