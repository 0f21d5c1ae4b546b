"""What is done next at the inbox, and which folders are polled."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.watch.agenda import CANARY_S, CHECK_S, POLLING_S, TOP, Agenda, Task
from voxtrald.watch.canary import choose
from voxtrald.watch.hearing import PATIENCE_S
from voxtrald.watch.mounts import Below, Place
from voxtrald.watch.pacing import LONGEST_S, REST, REST_AT_WORK, Round

RESCAN_S = 30.0
NAS = PurePosixPath("nas")
SUB = PurePosixPath("sub")


def place(fs_type="ext4", **below):
    """Make a place of this type, with mounts in it."""
    return Place(
        device=1,
        inode=2,
        mount_id=3,
        point=PurePosixPath("/"),
        fs_type=fs_type,
        within=PurePosixPath("/inbox"),
        below=tuple(
            Below(mount_id=n, relative=PurePosixPath(name), fs_type=inner)
            for n, (name, inner) in enumerate(below.items())
        ),
    )


def agenda_at(found, *, hears=True, is_auto=True):
    """Make an agenda that has just found the inbox; the first tasks are done."""
    agenda = Agenda(rescan_s=RESCAN_S, is_auto=is_auto)
    agenda.next_task(now_s=0.0, is_away=False)
    agenda.arrived(found, is_new=True, hears=hears, now_s=0.0)
    work_off(agenda, now_s=0.0)
    return agenda


def work_off(agenda, *, now_s, took_s=0.0, silent=(), has_news=False):
    """Do every task that is due, each in `took_s`; canaries are heard except in the silent folders. Give the tasks."""
    tasks = []
    while task := agenda.next_task(now_s=now_s, is_away=False):
        tasks.append(task)
        if task.kind in {"sweep", "glance"}:
            agenda.began(now_s=now_s - took_s)
            agenda.ended(task.below, task.kind, now_s=now_s, has_news=has_news)
        elif task.kind == "canaries":
            folders = sorted(task.always | {SUB})
            agenda.called(folders, now_s=now_s)
            for folder in folders:
                if folder not in silent:
                    agenda.heard(folder, now_s=now_s)
    return [(task.kind, task.below) for task in tasks]


# --- order and pace -----------------------------------------------------------------------------------------


def test_the_inbox_is_found_before_it_is_looked_through():
    """First comes whether it is there, then everything in it, then whether it gives events."""
    agenda = Agenda(rescan_s=RESCAN_S, is_auto=True)
    first = agenda.next_task(now_s=0.0, is_away=False)
    nothing = agenda.next_task(now_s=0.0, is_away=False)
    agenda.arrived(place(), is_new=True, hears=True, now_s=0.0)

    assert (first, nothing) == (Task(kind="arrive"), None)
    assert work_off(agenda, now_s=0.0) == [("sweep", TOP), ("canaries", TOP)]


def test_a_calm_inbox_is_seen_to_and_swept_in_its_time():
    """Whether it is there is asked every few seconds, a sweep comes after `rescan_s`."""
    agenda = agenda_at(place())

    assert agenda.due_s(is_away=False) == CHECK_S
    assert work_off(agenda, now_s=CHECK_S) == [("arrive", TOP)]
    assert work_off(agenda, now_s=RESCAN_S) == [("arrive", TOP), ("sweep", TOP)]


def test_an_inbox_that_is_away_is_only_looked_for():
    """Neither sweeps nor canaries while there is nothing to look at."""
    agenda = agenda_at(place())

    assert agenda.next_task(now_s=CANARY_S, is_away=True) == Task(kind="arrive")
    assert agenda.next_task(now_s=CANARY_S, is_away=True) is None
    assert agenda.due_s(is_away=True) == CANARY_S + CHECK_S


def test_a_crowded_inbox_is_glanced_at_between_rare_sweeps():
    """A sweep that takes long is repeated rarely; what is new is found by glances in the usual time."""
    agenda = agenda_at(place())
    work_off(agenda, now_s=RESCAN_S, took_s=2.0)
    second = work_off(agenda, now_s=2 * RESCAN_S)

    assert second == [("arrive", TOP), ("glance", TOP)]
    assert ("sweep", TOP) in work_off(agenda, now_s=RESCAN_S + REST * 2.0 + 0.1)


def test_a_glance_that_found_something_is_soon_repeated():
    """Looking into what is new is work, not idling: it does not put off the next glance for long."""
    agenda = agenda_at(place("nfs4"))
    work_off(agenda, now_s=POLLING_S, took_s=4.0)
    work_off(agenda, now_s=2 * POLLING_S, took_s=2.0, has_news=True)

    soon_s = 2 * POLLING_S + REST_AT_WORK * 2.0
    assert ("glance", TOP) in work_off(agenda, now_s=soon_s + 0.1)


def test_made_up_folder_times_leave_only_sweeps():
    """Where a glance would see nothing, every look is a sweep, as often as it may be."""
    agenda = agenda_at(place("fuse"))
    work_off(agenda, now_s=POLLING_S, took_s=0.2)

    assert work_off(agenda, now_s=2 * POLLING_S) == [("arrive", TOP)]
    assert work_off(agenda, now_s=POLLING_S + REST * 0.2 + 0.1) == [("arrive", TOP), ("sweep", TOP)]


def test_lost_events_lead_to_a_sweep_at_once():
    """An overflow does not wait for the next round."""
    agenda = agenda_at(place())
    agenda.sweep_soon(now_s=1.0)

    assert work_off(agenda, now_s=1.0) == [("sweep", TOP)]


@given(st.lists(st.tuples(st.sampled_from(["sweep", "glance"]), st.floats(0, 20)), max_size=30), st.floats(0.1, 60))
def test_idle_looking_takes_little_of_the_time(looks, interval_s):
    """Whatever looks take, each kind gets one hundredth of the time, unless the longest wait is reached."""
    round_ = Round(below=TOP, interval_s=interval_s, can_glance=True)
    now_s = 0.0
    for kind, took_s in looks:
        now_s += took_s
        round_.ended(kind, now_s=now_s, took_s=took_s, has_news=False)
        wait_s = (round_.sweep_s if kind == "sweep" else round_.glance_s) - now_s

        assert wait_s >= min(REST * took_s, LONGEST_S) - 1e-6
        assert wait_s >= interval_s - 1e-6


# --- by type ------------------------------------------------------------------------------------------------


def test_a_share_is_polled_by_its_type():
    """An inbox on a network share is looked through every few seconds, and it is said why."""
    agenda = Agenda(rescan_s=RESCAN_S, is_auto=True)
    switches = agenda.arrived(place("nfs4"), is_new=True, hears=True, now_s=0.0)
    work_off(agenda, now_s=0.0)

    assert [(switch.folder, switch.is_polled, "nfs4" in switch.reason) for switch in switches] == [(TOP, True, True)]
    assert ("sweep", TOP) in work_off(agenda, now_s=POLLING_S)


def test_a_share_in_a_local_inbox_is_polled_alone():
    """Only the folder where the share is mounted is looked through often."""
    agenda = agenda_at(place(nas="cifs"))

    assert agenda.polled == {NAS}
    assert work_off(agenda, now_s=POLLING_S) == [("arrive", TOP), ("sweep", NAS)]


def test_a_share_that_is_unmounted_is_not_polled_any_more():
    """The switch back is told like the switch."""
    agenda = agenda_at(place(nas="cifs"))
    switches = agenda.arrived(place(), is_new=True, hears=True, now_s=1.0)

    assert [(switch.folder, switch.is_polled) for switch in switches] == [(NAS, False)]
    assert agenda.polled == frozenset()


def test_switches_are_told_once():
    """That the same share is found again is no news."""
    agenda = agenda_at(place("nfs4"))

    assert agenda.arrived(place("nfs4"), is_new=False, hears=True, now_s=5.0) == ()
    assert agenda.arrived(place("nfs4"), is_new=True, hears=True, now_s=9.0) == ()


@pytest.mark.parametrize("found", [place("nfs4"), place()])
def test_who_chose_the_mode_is_not_overruled(found):
    """With events or polling configured, neither the type nor a canary changes anything."""
    agenda = Agenda(rescan_s=RESCAN_S, is_auto=False)
    agenda.next_task(now_s=0.0, is_away=False)

    assert agenda.arrived(found, is_new=True, hears=True, now_s=0.0) == ()
    assert work_off(agenda, now_s=0.0) == [("sweep", TOP)]
    assert agenda.due_s(is_away=False) == CHECK_S


# --- by canary ----------------------------------------------------------------------------------------------


def test_a_silent_folder_is_polled():
    """A folder whose canary was not heard is polled after a while, the others are not."""
    agenda = agenda_at(place())
    work_off(agenda, now_s=CANARY_S, silent={SUB})
    early = agenda.judge(now_s=CANARY_S + PATIENCE_S - 0.1)
    switches = agenda.judge(now_s=CANARY_S + PATIENCE_S)

    assert early == ()
    assert [(switch.folder, switch.is_polled) for switch in switches] == [(SUB, True)]
    assert agenda.polled == {SUB}
    assert ("sweep", SUB) in work_off(agenda, now_s=CANARY_S + 2 * POLLING_S)


def test_a_canary_that_is_heard_late_is_believed():
    """A slow machine does not leave a folder to be polled for an hour."""
    agenda = agenda_at(place())
    work_off(agenda, now_s=CANARY_S, silent={SUB})
    agenda.judge(now_s=CANARY_S + PATIENCE_S)
    switches = agenda.heard(SUB, now_s=CANARY_S + PATIENCE_S + 1)

    assert [(switch.folder, switch.is_polled) for switch in switches] == [(SUB, False)]
    assert agenda.polled == frozenset()


def test_a_silent_folder_is_tried_again():
    """Each hour it is among those that are tried, and where it is heard, polling ends."""
    agenda = agenda_at(place())
    work_off(agenda, now_s=CANARY_S, silent={SUB})
    agenda.judge(now_s=CANARY_S + PATIENCE_S)
    tasks = []
    while task := agenda.next_task(now_s=3 * CANARY_S, is_away=False):
        tasks.append(task)
        if task.kind != "canaries":
            agenda.ended(task.below, "sweep", now_s=3 * CANARY_S, has_news=False)

    assert tasks[-1].kind == "canaries"
    assert tasks[-1].always == {TOP, SUB}


def test_a_silent_inbox_is_polled_as_a_whole():
    """Where the inbox itself is silent there is no need to poll its folders one by one."""
    agenda = agenda_at(place())
    work_off(agenda, now_s=CANARY_S, silent={TOP, SUB})
    agenda.judge(now_s=CANARY_S + PATIENCE_S)

    assert agenda.polled == {TOP}


def test_no_canary_where_nothing_is_heard_anyway():
    """Past the kernel's limit the whole inbox is polled, and there is nothing to find out."""
    agenda = agenda_at(place(), hears=False)

    assert ("canaries", TOP) not in work_off(agenda, now_s=CANARY_S)
    assert ("sweep", TOP) in work_off(agenda, now_s=CANARY_S + POLLING_S)


@given(st.integers(1, 200), st.integers(1, 40), st.integers(0, 5))
def test_rounds_go_through_all_folders(count, at_most, always):
    """Each folder has its turn within as many rounds as that takes, and no round tries more than it may."""
    folders = [PurePosixPath(str(n)) for n in range(count)]
    rounds = [
        choose(folders, always=folders[:always], number=number, at_most=at_most)
        for number in range(-(-count // at_most))
    ]

    assert set().union(*rounds) == set(folders)
    assert all(len(tried) == len(set(tried)) <= at_most + always for tried in rounds)
    assert all(set(folders[:always]) <= set(tried) for tried in rounds)
