"""The recogniser's keeper with a program that plays the recogniser: whatever it does, nothing hangs or stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path

import psutil
import pytest

from voxtrald.clock import Clock
from voxtrald.engines.whisper.keeper import Keeper, Launch
from voxtrald.engines.whisper.places import Places
from voxtrald.engines.whisper.process import Child, Ended
from voxtrald.engines.whisper.protocol import Loaded, Opening, Request, pack_path
from voxtrald.errors import ApiDenied, ApiGarbled, ApiRefused, ApiUnreachable, StopRequested
from voxtrald.stopping import Stop

PLAYED = Path(__file__).with_name("recogniser_played.py")
ENVIRONMENT = {"PATH": os.environ["PATH"]}
PATIENT_S = 60.0


def launch(model="", *, workers=1, idle_s=600.0, is_folder=True):
    """Describe the start of a played recogniser."""
    opening = Opening(model=model, is_folder=is_folder, may_fetch=True, workers=workers, threads=1)
    return Launch(command=(sys.executable, "-S", str(PLAYED)), opening=opening, idle_s=idle_s)


@pytest.fixture
def stop():
    """Give the stop that everything hears."""
    return Stop()


@pytest.fixture
def keep(stop):
    """Give a function that makes keepers; their programs must be gone when the test ends."""
    before = set(psutil.Process().children())
    made = []

    def make(model="", **how):
        keeper = Keeper(launch(model, **how), environment=ENVIRONMENT, stop=stop, clock=Clock())
        made.append(keeper)
        return keeper

    yield make
    for keeper in made:
        keeper.kill()
        stop.set()
        keeper.close()
    assert set(psutil.Process().children()) <= before


def request(name, folder=Path("/nowhere")):
    """Name a file that the played recogniser knows what to do with."""
    return Request(id=0, path=pack_path(os.fsencode(folder / f"{name}.wav")))


def ask(keeper, name, folder=Path("/nowhere"), *, patience_s=PATIENT_S):
    """Ask and give the text."""
    return keeper.ask(request(name, folder), patience_s=patience_s).text


# --- when all is well ---------------------------------------------------------------------------------------


def test_nothing_runs_before_the_first_request(keep):
    """Making a keeper starts nothing; asking does."""
    keeper = keep()
    before = keeper.pid

    text = ask(keeper, "hello")

    assert before is None
    assert text == "hello"
    assert psutil.pid_exists(keeper.pid)


def test_one_program_serves_all(keep):
    """Several requests after each other are answered by the same process."""
    keeper = keep()

    pids = {(ask(keeper, name), keeper.pid)[1] for name in ("one", "two", "three")}

    assert len(pids) == 1


def test_answers_find_their_requests_in_any_order(keep, wait_until):
    """With two requests under way, each gets its own answer although the second one comes first."""
    keeper = keep(workers=2)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask, keeper, "first")
        wait_until(lambda: keeper._child and keeper._child._pending, what="the first request")
        second = pool.submit(ask, keeper, "second")

        assert second.result() == "second"
        assert first.result() == "first"


def test_a_program_without_work_is_released_and_started_again(keep, wait_until):
    """After its idle time the process is gone; the next request gets a new one."""
    keeper = keep(idle_s=0.05)
    ask(keeper, "hello")
    former = keeper.pid
    wait_until(lambda: not psutil.pid_exists(former), what="the end of the idle program")

    text = ask(keeper, "again")

    assert text == "again"
    assert keeper.pid != former


def test_closing_ends_an_idle_program_before_it_returns(keep):
    """After `close` there is no process, not even a dead one."""
    keeper = keep()
    ask(keeper, "hello")

    keeper.close()

    assert not psutil.pid_exists(keeper.pid)


def test_closing_for_one_does_not_disturb_another(keep, wait_until):
    """An engine that is closed does not end the recogniser while another one's request is under way."""
    keeper = keep()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, keeper, "hangs", patience_s=2.0)
        wait_until(lambda: keeper.facts is not None, what="loading")

        keeper.close()

        assert psutil.pid_exists(keeper.pid)
        with pytest.raises(ApiUnreachable):
            asked.result()


def test_the_program_sees_only_what_it_is_given(keep):
    """Its environment is the one that was chosen, and it does not stand in our folder."""
    told = ask(keep(), "environment").split()

    assert told[0] == "/"
    assert "PATH" in told
    assert not {"HOME", "VOXTRALD_TEST_MODEL"} & set(told)


def test_a_file_in_the_current_folder_is_not_run_in_place_of_ours(tmp_path):
    """The command starts our module even where the folder it is started from holds one of the same name."""
    (tmp_path / "voxtrald.py").write_text("raise SystemExit('an intruder')\n", "utf-8")
    (tmp_path / "json.py").write_text("raise SystemExit('an intruder')\n", "utf-8")
    command = Launch(opening=launch().opening, idle_s=1.0).command

    ended = subprocess.run(command, cwd=tmp_path, input=b"", capture_output=True, check=False)

    assert b"intruder" not in ended.stderr


def test_what_libraries_print_is_kept_out_of_the_protocol():
    """Once stdout was taken, a print goes to stderr, and only reports are read by the daemon."""
    script = (
        "from voxtrald.engines.whisper import child, protocol\n"
        "say = child._take_stdout()\n"
        "print('Loading: 100%', flush=True)\n"
        "say(protocol.Progress(id=1, at_ms=2))\n"
    )

    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ended.stdout == '{"says": "progress", "id": 1, "at_ms": 2}\n'
    assert ended.stderr == "Loading: 100%\n"


# --- deaths ---------------------------------------------------------------------------------------------------


def test_a_file_that_kills_the_program_is_blamed_and_no_other(keep):
    """A kill -9 while one file is being heard is a garbled answer for it; the next file is heard as ever."""
    keeper = keep()

    with pytest.raises(ApiGarbled, match=r"signal 9 \(Killed\)"):
        ask(keeper, "dies")

    assert ask(keeper, "hello") == "hello"


def test_a_crash_is_told_with_its_last_words(keep):
    """The last line that the program wrote to stderr is in the message."""
    with pytest.raises(ApiGarbled, match="exit code 9: a bad access"):
        ask(keep(), "crashes")


def test_a_bystander_is_not_blamed(keep, tmp_path, wait_until):
    """Of two files under way in a crash, only the one that crashes the program again, alone, is blamed."""
    keeper = keep(workers=2)
    with ThreadPoolExecutor(2) as pool:
        bystander = pool.submit(ask, keeper, "bystander", tmp_path)
        wait_until((tmp_path / "bystander.seen").exists, what="the first request")
        culprit = pool.submit(ask, keeper, "dies")

        assert bystander.result() == "bystander"
        with pytest.raises(ApiGarbled):
            culprit.result()


def test_a_death_before_the_model_is_loaded_is_nobodys_fault(keep):
    """A program that dies while loading is unreachable, and its last words are told."""
    keeper = keep("crashes")

    with pytest.raises(ApiUnreachable, match="exit code 7: libcudnn is not there"):
        ask(keeper, "hello")


def test_a_real_kill_while_loading_is_nobodys_fault(keep, wait_until):
    """A kill -9 from outside before the model is loaded is unreachable for all who wait."""
    keeper = keep("hangs", workers=2)
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(ask, keeper, name) for name in ("one", "two")]
        wait_until(lambda: keeper.pid, what="the start")

        os.kill(keeper.pid, signal.SIGKILL)

        for each in asked:
            with pytest.raises(ApiUnreachable, match="signal 9"):
                each.result()


def test_a_program_that_was_killed_while_idle_is_not_missed(keep, wait_until):
    """A kill -9 between two requests costs nothing but a new start."""
    keeper = keep()
    ask(keeper, "hello")
    former = keeper.pid
    os.kill(former, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(former), what="the burial")

    assert ask(keeper, "again") == "again"


def test_a_program_that_cannot_be_started_is_unreachable(stop):
    """A command that is not there is no reason to blame a recording."""
    nothing = Launch(command=("/nowhere/python",), opening=launch().opening, idle_s=1.0)

    with pytest.raises(ApiUnreachable, match="cannot be started"):
        ask(Keeper(nothing, environment={}, stop=stop, clock=Clock()), "hello")


def test_a_program_that_ends_at_once_is_not_started_for_ever(stop):
    """Each attempt starts a command that reads nothing and ends once, and says so."""
    starts = Launch(command=("/bin/false",), opening=launch().opening, idle_s=1.0)

    with pytest.raises(ApiUnreachable, match="exit code 1"):
        ask(Keeper(starts, environment={}, stop=stop, clock=Clock()), "hello")


# --- misbehaviour -----------------------------------------------------------------------------------------------


def test_a_hung_program_is_killed(keep):
    """Without a sign of life for long enough, the program is killed and the far side counts as not there."""
    keeper = keep()

    with pytest.raises(ApiUnreachable, match=r"no sign of life for 0\.5 s"):
        ask(keeper, "hangs", patience_s=0.5)

    keeper.close()
    assert ask(keeper, "hello") == "hello"


def test_a_sign_of_life_starts_the_patience_anew():
    """Progress on a request moves the moment from which its silence counts."""
    ticks = count()
    how = launch()
    child = Child(
        how.command,
        opening=how.opening,
        environment=ENVIRONMENT,
        idle_s=1e9,
        monotonic_s=lambda: float(next(ticks)),
    )
    with closing(_Ending(child)):
        child.loading.result(timeout=30)

        pending = child.submit(request("slow"))
        submitted_at_s = pending.sign_at_s
        pending.ending.result(timeout=30)

        assert pending.sign_at_s > submitted_at_s


class _Ending:
    """Ends a child when it is closed."""

    def __init__(self, child):
        self._child = child

    def close(self):
        self._child.kill()
        self._child.join()


@pytest.mark.parametrize(
    ("name", "why"),
    [("rubbish", "no answer"), ("endless", "has no end"), ("mute", "recogniser ended")],
)
def test_a_program_that_breaks_the_protocol_is_ended(keep, name, why):
    """Rubbish, a line without an end and a closed output end the program; the file's answer is garbled."""
    keeper = keep()

    with pytest.raises(ApiGarbled, match=why):
        ask(keeper, name)

    assert ask(keeper, "hello") == "hello"


@pytest.mark.parametrize(("name", "error"), [("fails", ApiGarbled), ("undecodable", ApiRefused)])
def test_a_failure_costs_no_restart(keep, name, error):
    """A file that cannot be dealt with is said so, and the same process goes on."""
    keeper = keep()
    with pytest.raises(error):
        ask(keeper, name)
    pid = keeper.pid

    ask(keeper, "hello")

    assert keeper.pid == pid


def test_a_missing_model_denies_every_request(keep):
    """Where there is no model, each request is denied with the reason; a new start looks again."""
    keeper = keep("missing")

    for _ in range(2):
        with pytest.raises(ApiDenied, match="there is no model") as caught:
            ask(keeper, "hello")

    assert "engine.model" in caught.value.hint


# --- looking ----------------------------------------------------------------------------------------------------


def test_a_look_loads_the_model_of_a_folder(keep):
    """Looking says what was loaded, and the loaded program serves the next request."""
    keeper = keep()

    facts = keeper.look()

    pid = keeper.pid
    assert facts == Loaded(library="9.9", device="cpu", compute_type="int8", languages=("en", "lv"))
    assert ask(keeper, "hello") == "hello"
    assert keeper.pid == pid


def test_a_look_at_a_model_that_is_not_here_yet_is_no_failure(keep):
    """A named model that a first use would fetch is neither fetched nor denied by a look."""
    keeper = keep("elsewhere", is_folder=False)

    assert keeper.look() is None
    assert keeper.pid is None


def test_a_look_at_a_missing_model_is_denied(keep):
    """A look tells what is wrong."""
    with pytest.raises(ApiDenied, match="there is no model"):
        keep("missing").look()


# --- stop ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["", "hangs"])
def test_stop_ends_a_request_at_once(keep, stop, wait_until, model):
    """Asked to stop while listening or while loading, the program is killed and nobody is blamed."""
    keeper = keep(model)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, keeper, "hangs")
        wait_until(lambda: keeper.pid, what="the start")

        stop.set()

        with pytest.raises(StopRequested):
            asked.result(timeout=30)
    keeper.close()
    assert not psutil.pid_exists(keeper.pid)


def test_stop_ends_the_wait_for_a_place(keep, stop, wait_until):
    """A request that still waits for its turn hears stop, too."""
    keeper = keep()
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(ask, keeper, "hangs") for _ in range(2)]
        wait_until(lambda: keeper.facts, what="loading")

        stop.set()

        for each in asked:
            with pytest.raises(StopRequested):
                each.result(timeout=30)


def test_nothing_is_started_after_stop(keep, stop):
    """A request after stop starts no program."""
    keeper = keep()
    stop.set()

    with pytest.raises(StopRequested):
        ask(keeper, "hello")

    assert keeper.pid is None


def test_the_program_ends_with_its_daemon(wait_until):
    """A kill -9 of the daemon takes the recogniser along, in the middle of a request."""
    script = (
        "import sys, threading\n"
        f"sys.path.insert(0, {str(PLAYED.parent.parent.parent)!r})\n"
        "from tests.integration.test_local_keeper import *\n"
        "keeper = Keeper(launch(), environment=ENVIRONMENT, stop=Stop(), clock=Clock())\n"
        "ask(keeper, 'hello')\n"
        "threading.Thread(target=ask, args=(keeper, 'hangs'), daemon=True).start()\n"
        "print(keeper.pid, flush=True)\n"
        "threading.Event().wait()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as daemon:
        pid = int(next(line for line in daemon.stdout if line.strip().isdigit()))  # between the lines of the log
        was_there = psutil.pid_exists(pid)

        daemon.kill()

    assert was_there
    wait_until(lambda: not _is_alive(pid), what="the recogniser's end")


def _is_alive(pid):
    """Whether a process runs; one that its new parent has not buried yet does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_leaving_program_takes_no_request():
    """Once released, a program says so, instead of losing a request."""
    how = launch()
    child = Child(how.command, opening=how.opening, environment=ENVIRONMENT, idle_s=1e9)
    child.loading.result(timeout=30)

    released = child.release()

    child.join()
    assert released
    with pytest.raises(Ended):
        child.submit(request("hello"))


# --- places -------------------------------------------------------------------------------------------------------


def test_whoever_wants_all_places_gets_them(stop, wait_until):
    """Somebody who wants all places is not overtaken by those who come later and want one."""
    places = Places(2, stop=stop)
    order = []

    def take(wanted, name):
        with places.taken(wanted):
            order.append(name)

    with places.taken(1):
        everything = threading.Thread(target=take, args=(2, "all"))
        everything.start()
        wait_until(lambda: places._line, what="the first in line")
        one = threading.Thread(target=take, args=(1, "one"))
        one.start()
        wait_until(lambda: len(places._line) == 2, what="the second in line")
    everything.join()
    one.join()

    assert order == ["all", "one"]
