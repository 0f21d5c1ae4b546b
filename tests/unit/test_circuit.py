"""What is known of the far side, as a state machine."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voxtrald.dispatch.circuit import Circuit
from voxtrald.retrying import Policy

POLICY = Policy(attempts=8, first_wait_s=1.0, max_wait_s=300.0)


def new():
    """Make a circuit of which nothing is known."""
    return Circuit(policy=POLICY)


def after_failures(*times_s):
    """Make a circuit that saw only failures."""
    circuit = new()
    for now_s in times_s:
        circuit = circuit.failed(now_s=now_s)
    return circuit


def test_a_few_failures_are_no_outage():
    """Failures that are few or close together leave the circuit closed."""
    assert after_failures(0.0, 1.0, 3.0).state == "closed"
    assert after_failures(0.0, 0.1, 0.2, 0.3, 0.4).state == "closed"


def test_a_lasting_streak_is_an_outage_that_began_with_its_first_failure():
    """When nothing has succeeded for a while the circuit opens, and what led to it is excused."""
    circuit = after_failures(10.0, 11.0, 13.0, 17.0)

    assert circuit.state == "open"
    assert circuit.excuses(10.0)
    assert not circuit.excuses(9.9)


def test_a_success_between_failures_keeps_the_circuit_closed():
    """A single success starts the streak anew."""
    circuit = after_failures(0.0, 1.0, 3.0).succeeded(began_s=4.0, now_s=4.0).failed(now_s=9.0)

    assert circuit.state == "closed"


def test_an_outage_lets_one_probe_through_at_a_time():
    """While a probe is on its way everybody else waits without a time."""
    circuit = after_failures(0.0, 1.0, 3.0, 7.0)
    wait_s = circuit.wait_s(now_s=7.0)

    assert wait_s is not None
    assert wait_s > 0
    assert circuit.wait_s(now_s=7.0 + wait_s) == 0.0
    assert circuit.entered().wait_s(now_s=100.0) is None


def test_probes_become_rarer_up_to_the_longest_wait():
    """Each unsuccessful probe doubles the wait for the next one, up to the cap."""
    circuit, waits_s, now_s = after_failures(0.0, 1.0, 3.0, 7.0), [], 7.0
    for _ in range(12):
        wait_s = circuit.wait_s(now_s=now_s)
        waits_s.append(wait_s)
        now_s += wait_s
        circuit = circuit.entered().failed(now_s=now_s)

    assert waits_s == sorted(waits_s)
    assert waits_s[-1] == POLICY.max_wait_s


def test_a_probe_that_succeeds_ends_the_outage_and_is_remembered():
    """After the outage everybody may send, its failures stay excused, later ones count."""
    circuit = after_failures(0.0, 1.0, 3.0, 7.0).entered().succeeded(began_s=50.0, now_s=50.0)

    assert circuit.state == "closed"
    assert circuit.wait_s(now_s=50.0) == 0.0
    assert circuit.excuses(7.0)
    assert not circuit.excuses(51.0)


def test_a_late_failure_of_another_sender_is_no_probe():
    """A request that left before the outage was noticed does not slow the probes down."""
    circuit = after_failures(0.0, 1.0, 3.0, 7.0)

    assert circuit.failed(now_s=7.5).probe_at_s == circuit.probe_at_s


def test_a_refused_key_holds_everything_and_asks_again_slowly():
    """While held nobody sends until the slow timer lets one request find out."""
    circuit = new().denied("the key is refused", now_s=10.0)

    assert circuit.state == "held"
    assert circuit.held == "the key is refused"
    assert circuit.wait_s(now_s=10.0) == POLICY.max_wait_s
    assert circuit.wait_s(now_s=10.0 + POLICY.max_wait_s) == 0.0


def test_a_release_lets_the_next_request_find_out():
    """After a reload nobody has to wait for the slow timer."""
    assert new().denied("refused", now_s=10.0).released().wait_s(now_s=10.0) == 0.0


@given(st.lists(st.sampled_from(["enter", "fail", "succeed", "deny", "release", "learn nothing"]), max_size=60))
def test_the_circuit_never_locks_itself_up(actions):
    """Whatever happens, a sender that came back leaves a way in for the next one, after at most the longest wait."""
    circuit, now_s = new(), 0.0
    for action in actions:
        now_s += 1.0
        match action:
            case "enter":
                circuit = circuit.entered()
            case "fail":
                circuit = circuit.failed(now_s=now_s)
            case "succeed":
                circuit = circuit.succeeded(began_s=now_s, now_s=now_s)
            case "deny":
                circuit = circuit.denied("refused", now_s=now_s)
            case "release":
                circuit = circuit.released()
            case _:
                circuit = circuit.abandoned()
    circuit = circuit.abandoned()

    assert circuit.wait_s(now_s=now_s + POLICY.max_wait_s) == 0.0


@given(st.lists(st.floats(0.0, 100.0), max_size=30).map(sorted))
def test_a_success_always_closes(times_s):
    """However many failures there were, one success lets everybody through."""
    circuit = after_failures(*times_s).succeeded(began_s=101.0, now_s=101.0)

    assert circuit.state == "closed"
    assert circuit.wait_s(now_s=101.0) == 0.0
