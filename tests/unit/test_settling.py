"""When a file in the inbox counts as whole."""

from __future__ import annotations

from collections import defaultdict
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from voxtrald.watch.settling import LOOK_AGAIN_S, Recording, Settling, Sighting

SETTLE_S = 2.0
EMPTY_SETTLE_S = 10.0


def seen(name="talk.m4a", *, size_bytes=1000, mtime_ns=1, inode=7, device=1):
    """Make a sighting."""
    return Sighting(relative=PurePosixPath(name), size_bytes=size_bytes, mtime_ns=mtime_ns, inode=inode, device=device)


def recording(sighting):
    """Make the recording that a sighting becomes."""
    fields = ("relative", "size_bytes", "mtime_ns", "inode", "device")
    return Recording(**{name: getattr(sighting, name) for name in fields})


def settling_with(*sightings, now_s=0.0, complete=True):
    """Make a settling that has seen these files."""
    settling = Settling(settle_s=SETTLE_S, empty_settle_s=EMPTY_SETTLE_S)
    for sighting in sightings:
        settling.saw(sighting, now_s=now_s, complete=complete)
    return settling


def names_ready(settling):
    """Name what is ready."""
    return [str(offer.relative) for offer in settling.ready()]


# --- single behaviours --------------------------------------------------------------------------------------


def test_a_file_is_whole_when_two_looks_see_no_change():
    """One look is not enough; a second one after the settle time is."""
    settling = settling_with(seen(), complete=False)
    before = settling.ready()
    settling.saw(seen(), now_s=SETTLE_S)

    assert before == ()
    assert settling.ready() == (recording(seen()),)


def test_the_passing_of_time_alone_settles_nothing():
    """A file that nobody looked at again is not given out, however long ago it was seen."""
    settling = settling_with(seen(), complete=False)

    assert settling.pending(now_s=1000.0) == (PurePosixPath("talk.m4a"),)
    assert settling.ready() == ()


@pytest.mark.parametrize("later", [seen(size_bytes=1001), seen(mtime_ns=2), seen(mtime_ns=-5)])
def test_a_change_starts_the_wait_anew(later):
    """A file that grew, or whose time moved in whichever direction, waits for the whole settle time again."""
    settling = settling_with(seen(), complete=False)
    settling.saw(later, now_s=SETTLE_S)
    settling.saw(later, now_s=SETTLE_S * 2 - 0.5)
    early = settling.ready()
    settling.saw(later, now_s=SETTLE_S * 2)

    assert early == ()
    assert settling.ready() == (recording(later),)


def test_a_shares_made_up_inodes_do_not_keep_a_file_young():
    """A new inode at every look is no change of content."""
    settling = settling_with(seen(inode=1), complete=False)
    settling.saw(seen(inode=2), now_s=SETTLE_S)

    assert settling.ready() == (recording(seen(inode=2)),)


def test_a_closed_file_is_whole_at_once():
    """A writer that closes its file makes the wait unnecessary."""
    assert settling_with(seen()).ready() == (recording(seen()),)


def test_a_closed_file_that_changes_again_is_not_whole_any_more():
    """Somebody who opens the file again takes its completeness back."""
    settling = settling_with(seen())
    settling.saw(seen(size_bytes=2000), now_s=1.0)

    assert settling.ready() == ()


def test_an_empty_file_waits_longer_even_when_closed():
    """Browsers create the name first and fill it later; after a while an empty file is given out as it is."""
    empty = seen(size_bytes=0)
    settling = settling_with(empty)
    settling.saw(empty, now_s=SETTLE_S)
    early = settling.ready()
    settling.saw(empty, now_s=EMPTY_SETTLE_S)

    assert early == ()
    assert settling.ready() == (recording(empty),)


def test_a_filled_placeholder_is_looked_at_after_the_short_wait():
    """An empty file that gets its content is due earlier than it was, ahead of others, and once."""
    settling = settling_with(seen("other", size_bytes=0), seen(size_bytes=0))
    settling.saw(seen(), now_s=1.0)

    assert settling.due_s(now_s=1.0) == SETTLE_S
    assert settling.pending(now_s=20.0) == (PurePosixPath("talk.m4a"), PurePosixPath("other"))


def test_files_come_in_order_of_first_sight():
    """The file that was seen first is given out first, even if it settled last."""
    settling = settling_with(seen("b"), complete=False)
    settling.saw(seen("a"), now_s=1.0, complete=True)
    settling.saw(seen("b"), now_s=SETTLE_S)

    assert names_ready(settling) == ["b", "a"]
    assert [str(offer.relative) for offer in settling.ready(at_most=1)] == ["b"]


def lane_of(offer):
    """Sort a recording by its top folder."""
    return offer.relative.parts[0]


def test_files_of_a_queue_that_is_not_open_wait():
    """Of the open queues the file that was seen first is given out, whatever waits in others; they keep their turn."""
    settling = settling_with(seen("held/a"), seen("lv/b"), seen("de/c"))
    some = settling.ready(queue_of=lane_of, is_open={"lv", "de"}.__contains__)

    assert [str(offer.relative) for offer in some] == ["lv/b", "de/c"]
    assert [str(offer.relative) for offer in settling.ready(queue_of=lane_of)] == ["held/a", "lv/b", "de/c"]


def test_a_file_is_sorted_once():
    """However often the next file is asked for, each is sorted into its queue once, and those that wait are let be."""
    sorted_ones = []
    settling = settling_with(*(seen(f"held/{number}") for number in range(100)), seen("lv/a"))

    def queue_of(offer):
        sorted_ones.append(offer)
        return lane_of(offer)

    for _ in range(10):
        settling.ready(at_most=1, queue_of=queue_of, is_open={"lv"}.__contains__)

    assert len(sorted_ones) == 101


def test_a_file_that_is_put_off_waits_until_all_are_sorted_anew():
    """A file in no queue is counted as waiting, and given out once it is sorted into one."""
    settling = settling_with(seen("a"), seen("b"))
    before = settling.ready(queue_of=lambda offer: None if offer.relative.name == "a" else "")
    meanwhile = settling.ready()
    waiting = settling.waiting()
    settling.sort_anew()

    assert before == meanwhile == (recording(seen("b")),)
    assert waiting == 2
    assert names_ready(settling) == ["a", "b"]


def test_a_file_that_is_put_off_comes_up_when_it_changes():
    """What was said of a file is not believed of what replaces it."""
    settling = settling_with(seen())
    settling.ready(queue_of=lambda _: None)
    settling.saw(seen(size_bytes=2), now_s=1.0, complete=True)

    assert settling.ready() == (recording(seen(size_bytes=2)),)


def test_what_is_forgotten_leaves_nothing_behind():
    """After many files came and went, through queues or put off, no more is kept than of none."""
    settling = settling_with()
    for number in range(2_000):
        file = seen(f"memo-{number}")
        settling.saw(file, now_s=0.0, complete=True)
        settling.ready(at_most=1, queue_of=lambda _, number=number: None if number % 3 else "lv")
        settling.took(recording(file))
        settling.release(file.relative, keep=True)
        settling.gone(file.relative)
    settling.ready()

    kept = [settling._tracks, settling._kept, settling._unsorted, *settling._queues.values(), settling._looks]
    assert [len(each) for each in kept] == [0] * len(kept)


def test_a_file_stays_ready_until_it_is_taken():
    """Asking twice gives the same; what a worker took is not given again."""
    settling = settling_with(seen("a"), seen("b"))
    both = names_ready(settling)
    settling.took(recording(seen("a")))

    assert both == ["a", "b"]
    assert names_ready(settling) == ["b"]


def test_a_kept_file_stays_out_until_it_changes():
    """A file that was released to be kept comes up again when it is different, and not before."""
    settling = settling_with(seen())
    settling.took(recording(seen()))
    settling.release(seen().relative, keep=True)
    settling.saw(seen(), now_s=100.0, complete=True)
    unchanged = settling.ready()
    settling.saw(seen(inode=8), now_s=101.0, complete=True)

    assert unchanged == ()
    assert settling.ready() == (recording(seen(inode=8)),)


def test_a_forgotten_file_starts_from_the_beginning():
    """A file that was released to be forgotten needs two looks again."""
    settling = settling_with(seen())
    settling.took(recording(seen()))
    settling.release(seen().relative, keep=False)
    forgotten = settling.ready()
    settling.saw(seen(), now_s=50.0)
    settling.saw(seen(), now_s=50.0 + SETTLE_S)

    assert forgotten == ()
    assert settling.ready() == (recording(seen()),)


@pytest.mark.parametrize("keep", [True, False])
def test_a_file_that_changed_in_a_workers_hands_comes_up_after_release(keep):
    """A change while a worker has the file is remembered and settles by the usual rules."""
    settling = settling_with(seen())
    settling.took(recording(seen()))
    settling.saw(seen(size_bytes=2000), now_s=10.0)
    settling.saw(seen(size_bytes=2000), now_s=20.0)
    held = settling.ready()
    settling.release(seen().relative, keep=keep)

    assert held == ()
    assert settling.ready() == (recording(seen(size_bytes=2000)),)


def test_a_new_file_under_the_name_of_one_at_work_comes_up_after_release():
    """The worker moves its file away, another arrives under the same name: both are transcribed."""
    settling = settling_with(seen())
    settling.took(recording(seen()))
    settling.gone(seen().relative)
    settling.saw(seen(inode=9, mtime_ns=5), now_s=3.0, complete=True)
    at_work = settling.ready()
    settling.release(seen().relative, keep=True)

    assert at_work == ()
    assert settling.ready() == (recording(seen(inode=9, mtime_ns=5)),)


def test_a_file_taken_unseen_is_known_from_then_on():
    """Work that was resumed at the start without a scan is not given out a second time."""
    settling = settling_with()
    settling.took(recording(seen()))
    settling.release(seen().relative, keep=True)
    settling.saw(seen(), now_s=1.0, complete=True)

    assert settling.ready() == ()


def test_a_file_that_is_gone_is_neither_ready_nor_looked_for():
    """What was deleted is forgotten, and seen again it is new."""
    settling = settling_with(seen("whole"))
    settling.saw(seen("young"), now_s=0.0)
    settling.gone(PurePosixPath("whole"))
    settling.gone(PurePosixPath("young"))
    settling.gone(PurePosixPath("never seen"))

    assert settling.ready() == ()
    assert settling.pending(now_s=1000.0) == ()
    assert settling.due_s(now_s=1000.0) is None


@given(st.integers(-(10**19), 10**19), st.floats(0, 1e6), st.floats(0, 10))
def test_a_wrong_clock_makes_no_file_look_young(mtime_ns, began_s, floor_s):
    """However far ahead or behind a server's clock is, a file settles as quickly as any other, and not sooner."""
    settling = Settling(settle_s=SETTLE_S)
    settling.saw(seen(mtime_ns=mtime_ns), now_s=began_s, at_least_s=floor_s)
    due_s = settling.due_s(now_s=began_s)
    settling.saw(seen(mtime_ns=mtime_ns), now_s=began_s + due_s / 2, at_least_s=floor_s)
    early = settling.ready()
    settling.saw(seen(mtime_ns=mtime_ns), now_s=began_s + due_s, at_least_s=floor_s)

    assert due_s == pytest.approx(max(SETTLE_S, floor_s))
    assert early == ()
    assert settling.ready() == (recording(seen(mtime_ns=mtime_ns)),)


def test_a_kept_file_that_is_replaced_by_another_of_its_kind_comes_up_again():
    """Another file of the same size and time is another file, and has stood still as long as the one before."""
    settling = settling_with(seen())
    settling.took(recording(seen()))
    settling.release(PurePosixPath("talk.m4a"), keep=True)
    settling.saw(seen(), now_s=5.0)
    same = settling.ready()
    settling.saw(seen(inode=8), now_s=6.0)

    assert same == ()
    assert settling.ready() == (recording(seen(inode=8)),)


def test_what_was_seen_during_a_sweep_is_not_gone():
    """A file that came after the sweep had passed its folder, and was seen by its event, stays."""
    settling = settling_with(seen("old"))
    settling.sweep_begins()
    settling.saw(seen("old"), now_s=1.0)
    settling.saw(seen("new"), now_s=1.0, complete=True)
    settling.sweep_ended()

    assert names_ready(settling) == ["old", "new"]


def test_what_a_scan_does_not_see_is_gone():
    """Files that vanished without an event are dropped by the next whole scan."""
    settling = settling_with(seen("a"), seen("b"), seen("c"))
    settling.sweep_begins()
    settling.saw(seen("b"), now_s=1.0)
    settling.sweep_ended()

    assert names_ready(settling) == ["b"]


def test_looks_are_due_when_they_can_tell_something():
    """A young file is due after the settle time, and a little later again if nobody looks at it."""
    settling = settling_with(seen(), now_s=5.0, complete=False)
    at_first = settling.due_s(now_s=5.5)
    early = settling.pending(now_s=6.5)
    due = settling.pending(now_s=7.0)

    assert at_first == 1.5
    assert early == ()
    assert due == (PurePosixPath("talk.m4a"),)
    assert settling.pending(now_s=7.0) == ()
    assert settling.due_s(now_s=7.0) == LOOK_AGAIN_S


def test_a_growing_file_puts_off_its_look():
    """Each change seen moves the next look on, so a long copy is not looked at more and more often."""
    settling = settling_with(complete=False)
    for second in range(100):
        settling.saw(seen(size_bytes=1000 + second), now_s=float(second))

    assert settling.due_s(now_s=99.0) == SETTLE_S
    assert len(settling._looks) == 1


def test_a_remounted_share_does_not_change_its_files():
    """The number of the device is not part of a file's identity; everything else is."""
    assert seen().facts == seen(device=99).facts
    others = [seen(size_bytes=1), seen(mtime_ns=99), seen(inode=99)]
    assert all(other.facts != seen().facts for other in others)


# --- whatever happens ---------------------------------------------------------------------------------------

paths = st.sampled_from("ab")


class Inbox(RuleBasedStateMachine):
    """Two files that are written, closed, deleted, looked at, taken and released in any order.

    Beside the settling stands the plainest account of the same: for each file the list of all looks.
    """

    def __init__(self):
        super().__init__()
        self.settling = Settling(settle_s=SETTLE_S, empty_settle_s=EMPTY_SETTLE_S)
        self.now_s = 0.0
        self.files = {}
        self.looks = defaultdict(list)
        self.taken = {}
        self.handed_out = {}
        self.put_off = {}

    def ready(self):
        """Ask as the daemon does; what is put off is so because of what the file is like."""
        offers = self.settling.ready(queue_of=self.queue_of)
        assert not any(self.put_off.get(str(offer.relative)) == offer.facts for offer in offers)
        return offers

    def queue_of(self, offer):
        """Sort a recording."""
        name = str(offer.relative)
        return None if self.put_off.get(name) == offer.facts else name

    @rule(name=paths)
    def somebody_is_put_off(self, name):
        """Let a file wait as it is now."""
        if name in self.files:
            self.put_off[name] = self.files[name].facts
            self.settling.sort_anew()

    @rule()
    def nobody_is_put_off(self):
        """Let all files go."""
        self.put_off.clear()
        self.settling.sort_anew()

    @rule(quarters=st.integers(1, 20))
    def time_passes(self, quarters):
        """Let some time pass."""
        self.now_s += quarters / 4

    @rule(name=paths, size_bytes=st.integers(0, 2), mtime_ns=st.integers(0, 2), inode=st.integers(0, 1))
    def somebody_writes(self, name, size_bytes, mtime_ns, inode):
        """Write to a file, or replace it."""
        self.files[name] = seen(name, size_bytes=size_bytes, mtime_ns=mtime_ns, inode=inode)

    @rule(name=paths, complete=st.booleans())
    def somebody_looks(self, name, complete):
        """Look at a file because of an event."""
        if name not in self.files:
            self.looks[name].clear()
            self.handed_out.pop(name, None) if name not in self.taken else None
            self.settling.gone(PurePosixPath(name))
            return
        self.looks[name].append((self.now_s, self.files[name], complete))
        self.settling.saw(self.files[name], now_s=self.now_s, complete=complete)

    @rule()
    def due_looks_are_made(self):
        """Do what the daemon does at each tick."""
        for relative in self.settling.pending(now_s=self.now_s):
            self.somebody_looks(str(relative), complete=False)

    @rule(name=paths)
    def somebody_deletes(self, name):
        """Delete a file; nobody is told."""
        self.files.pop(name, None)

    @rule()
    @precondition(lambda self: self.ready())
    def a_worker_takes_one(self):
        """Take the first that is ready."""
        offer = self.settling.ready(at_most=1, queue_of=self.queue_of)[0]
        name = str(offer.relative)

        assert name not in self.taken
        assert name not in self.handed_out or self.handed_out[name].facts != offer.facts
        self.taken[name] = self.handed_out[name] = offer
        self.settling.took(offer)

    @rule(name=paths, keep=st.booleans())
    def a_worker_ends(self, name, keep):
        """Release a file."""
        if self.taken.pop(name, None) is not None:
            self.settling.release(PurePosixPath(name), keep=keep)
            if not self.looks[name] or (not keep and self.handed_out[name].facts == self.looks[name][-1][1].facts):
                del self.handed_out[name]
                self.looks[name].clear()

    @invariant()
    def what_is_ready_was_seen_still_or_closed(self):
        """Nothing is ready that was seen changing within the settle time, unless its writer closed it."""
        for offer in self.ready():
            looks = self.looks[str(offer.relative)]
            assert recording(looks[-1][1]) == offer
            assert is_whole(looks)

    @invariant()
    def what_is_whole_is_ready(self):
        """Nothing that was seen to be whole is kept back, unless a worker has it or had it as it is."""
        ready = {str(offer.relative) for offer in self.ready()}
        for name, looks in self.looks.items():
            if looks and is_whole(looks) and name not in self.taken and name not in ready:
                facts, had = looks[-1][1].facts, self.handed_out.get(name)
                assert facts == self.put_off.get(name) or (had is not None and facts == had.facts)

    @invariant()
    def what_is_young_is_due(self):
        """Every file that is not whole yet will be looked at again, and not later than it could be whole."""
        due_s = self.settling.due_s(now_s=self.now_s)
        for name, looks in self.looks.items():
            wanted = looks and (name not in self.handed_out or self.handed_out[name].facts != looks[-1][1].facts)
            if wanted and name not in self.taken and not is_whole(looks):
                assert due_s is not None
                assert due_s <= EMPTY_SETTLE_S


def is_whole(looks):
    """Judge from all looks at a file: unchanged for long enough, or closed and unchanged since."""
    _, last, _ = looks[-1]
    same = []
    for at_s, sighting, complete in reversed(looks):
        if (sighting.size_bytes, sighting.mtime_ns) != (last.size_bytes, last.mtime_ns):
            break
        same.append((at_s, complete))
    needed_s = SETTLE_S if last.size_bytes else EMPTY_SETTLE_S
    was_closed = last.size_bytes > 0 and any(complete for _, complete in same)
    return was_closed or same[0][0] - same[-1][0] >= needed_s


TestInbox = Inbox.TestCase
