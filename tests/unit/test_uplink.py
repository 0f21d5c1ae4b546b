"""How fast bodies leave, learnt from those that were sent."""

from hypothesis import given
from hypothesis import strategies as st

from voxtrald.engines.http.uplink import Uplink, smooth

speeds = st.floats(1.0, 1e12)


def test_the_first_observation_is_believed():
    """One body of a megabyte in one second is eight megabits per second."""
    uplink = Uplink()

    uplink.observe(sent_bytes=1_000_000, seconds=1.0)

    assert uplink.bps == 8_000_000


def test_small_bodies_teach_nothing():
    """What fits into the kernel's buffers is not an observation."""
    uplink = Uplink()

    uplink.observe(sent_bytes=200_000, seconds=0.0)

    assert uplink.bps is None


def test_a_body_that_took_no_time_is_no_division_by_zero():
    """A clock that did not move makes a fast line, not an error."""
    uplink = Uplink()

    uplink.observe(sent_bytes=1_000_000, seconds=0.0)

    assert uplink.bps == 8_000_000_000


@given(known=speeds, newest=speeds)
def test_smoothing_stays_between_old_and_new(known, newest):
    """A new observation moves the speed towards itself, and never past."""
    low, high = sorted([known, newest])

    assert low * 0.999 <= smooth(known, newest) <= high * 1.001
