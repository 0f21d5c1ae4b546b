"""Messages arrive at a real web hook through Apprise, in the background, and nothing waits for them."""

from __future__ import annotations

import logging
import threading

import pytest
from structlog.testing import capture_logs

from tests.webhook import webhook
from voxtrald.clock import Clock
from voxtrald.errors import ConfigError
from voxtrald.retrying import Policy
from voxtrald.service.messages.apprising import open_channels
from voxtrald.service.messages.delivering import Outbasket
from voxtrald.service.messages.digesting import Digesting, Holds, Route
from voxtrald.service.messages.happenings import Event, Happening, Message
from voxtrald.service.messages.notifying import MOST_WAITING, Notifier, Tell

SECRET = "p4ssw0rd-x"  # noqa: S105 - nobody's


@pytest.fixture
def hook():
    """Run a web hook."""
    with webhook() as running:
        yield running


class Counts:
    """Keeps what was counted."""

    def __init__(self):
        self.results = []
        self.errands = []


@pytest.fixture
def counts():
    """Give a place to count in."""
    return Counts()


@pytest.fixture
def notifier(hook, counts):
    """Give a notifier with short waits that writes to the web hook; it is closed afterwards."""
    made = Notifier(
        channels=open_channels([hook.url(SECRET)]),
        clock=Clock(),
        jitter=lambda: 0.0,
        run=counts.errands.append,
        count=counts.results.append,
        digesting=Digesting(window_s=0.2),
        holds=Holds(calm_s=0.1),
        outbasket=Outbasket(policy=Policy(attempts=3, first_wait_s=0.02, max_wait_s=0.05)),
    )
    yield made
    made.close(patience_s=5)


def tell(hook, event=Event.DONE, recording="a.wav", *, script=None, **about):
    """Make something to tell the web hook."""
    happening = Happening(event=event, recording=recording, **about)
    return Tell(happening=happening, route=Route(urls=(hook.url(SECRET),), script=script))


def test_a_message_arrives(hook, notifier, counts, wait_until):
    """A recording that is done is posted with title and text, and the address's password is used."""
    notifier.tell(tell(hook))
    wait_until(lambda: counts.results)

    assert counts.results == ["sent"]
    assert hook.titles() == ["voxtrald: a.wav done"]
    assert hook.posts[0]["type"] == "success"
    assert hook.posts[0]["authorization"].startswith("Basic ")


def test_a_burst_is_a_handful_of_messages(hook, notifier, wait_until):
    """Two hundred recordings at once become a few messages that account for all of them."""
    for number in range(200):
        notifier.tell(tell(hook, recording=f"{number}.wav"))

    def told():
        numbers = [title.split()[1] for title in hook.titles()]
        return sum(int(number) if number.isdecimal() else 1 for number in numbers)

    wait_until(lambda: told() == 200)

    assert len(hook.posts) <= 5


def test_what_does_not_arrive_is_tried_again(hook, notifier, counts, wait_until):
    """After two errors the third attempt arrives, and that counts as sent."""
    hook.answers += [500, 503]
    notifier.tell(tell(hook))
    wait_until(lambda: counts.results)

    assert counts.results == ["sent"]
    assert [post["answer"] for post in hook.posts] == [500, 503, 200]


def test_what_never_arrives_is_dropped_with_one_line(hook, notifier, counts, wait_until):
    """After the last attempt there is one line in the log, without the address's password."""
    hook.answers += [500] * 9
    with capture_logs() as log:
        notifier.tell(tell(hook))
        wait_until(lambda: counts.results)

    assert counts.results == ["dropped"]
    assert [(line["event"], line["to"], line["why"]) for line in log] == [
        ("notification_dropped", "json://…", "it did not arrive in 3 attempts")
    ]


def test_a_hold_is_told_once_and_its_end_once(hook, notifier, counts, wait_until):
    """However often the hold is found: one message, and one when it is over, with the script run for each."""
    for _ in range(3):
        notifier.tell(tell(hook, Event.HELD, "", service="api", reason="the key was refused", script="/x"))
    notifier.tell(tell(hook, Event.RESUMED, "", service="api", script="/x"))
    wait_until(lambda: len(counts.results) == 2)

    assert hook.titles() == ["voxtrald: work for api is held", "voxtrald: work for api goes on"]
    assert [errand.happening.event for errand in counts.errands] == [Event.HELD, Event.RESUMED]


def test_an_unwanted_hold_is_remembered_for_its_end(hook, notifier, counts, wait_until):
    """Whoever wants to hear of ends only is told of an end, although nobody told of the hold."""
    notifier.tell(Tell(happening=Happening(event=Event.HELD, service="api"), route=None))
    notifier.tell(tell(hook, Event.RESUMED, "", service="api"))
    wait_until(lambda: counts.results)

    assert hook.titles() == ["voxtrald: work for api goes on"]


def test_telling_never_blocks(hook, notifier, counts):
    """While an address hangs, thousands of events are taken or dropped, and none waits."""
    hook.gate.clear()
    with capture_logs():
        for number in range(2 * MOST_WAITING + 10):
            notifier.tell(tell(hook, Event.HELD, "", service=f"{number}"))
        was_dropped = counts.results.count("dropped")
        hook.gate.set()
        notifier.close(patience_s=20)

    assert was_dropped >= 10


def test_the_end_sends_what_waits(hook, notifier, counts):
    """What was collected is sent before the program ends, not lost in its window."""
    for name in ("a.wav", "b.wav", "c.wav"):
        notifier.tell(tell(hook, recording=name))
    notifier.close(patience_s=5)

    assert set(counts.results) == {"sent"}
    assert "c.wav" in "".join(post["title"] + post["message"] for post in hook.posts)


def test_what_waits_for_its_next_attempt_is_tried_once_more_at_the_end(hook, counts, wait_until):
    """A message that did not arrive yet is tried a last time when the program ends, not only dropped."""
    hook.answers += [500]
    patient = Notifier(
        channels=open_channels([hook.url(SECRET)]),
        clock=Clock(),
        jitter=float,
        run=counts.errands.append,
        count=counts.results.append,
    )
    patient.tell(tell(hook))
    wait_until(lambda: hook.posts)
    patient.close(patience_s=5)

    assert counts.results == ["sent"]
    assert [post["answer"] for post in hook.posts] == [500, 200]


def test_the_end_does_not_wait_for_an_address_that_hangs(hook, notifier):
    """The end of the program waits for its patience and no longer."""
    hook.gate.clear()
    notifier.tell(tell(hook))

    notifier.close(patience_s=0.05)
    assert any(thread.name == "notifier" for thread in threading.enumerate())
    hook.gate.set()


def test_an_address_that_left_the_settings_is_not_written_to(hook, notifier, counts, wait_until):
    """After a reload, what still waits for an old address is dropped."""
    notifier.use({})
    with capture_logs() as log:
        notifier.tell(tell(hook))
        wait_until(lambda: counts.results)

    assert counts.results == ["dropped"]
    assert log[0]["why"] == "the address is not in the settings any more"
    assert hook.posts == []


def test_a_bad_address_is_a_problem_that_does_not_repeat_it():
    """An address that Apprise does not know is refused, by its kind only; all of them at once."""
    with pytest.raises(ConfigError) as caught:
        open_channels(["nosuchthing://s3cret/token", "json://127.0.0.1", "s3cret"])

    assert [problem.key for problem in caught.value.problems] == ["notify.urls", "notify.urls"]
    assert "nosuchthing://…" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_the_library_says_nothing(hook, caplog):
    """What Apprise would log, addresses among it, reaches no log."""
    hook.answers += [500]
    channels = open_channels([hook.url(SECRET)])

    with caplog.at_level(logging.DEBUG):
        arrived = channels[hook.url(SECRET)].send(Message(event=Event.DONE, title="t", body="b"))

    assert not arrived
    assert [record for record in caplog.records if record.name.startswith("apprise")] == []
