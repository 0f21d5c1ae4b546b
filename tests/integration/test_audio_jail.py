"""What a decoder that was taken over could do: nothing. Perl plays it, since it needs no modules for that."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from tests.ffmpegs import BINARY, new_ffmpeg
from tests.integration.audio_files import is_warden, write_talk
from voxtrald.audio.commands import Command
from voxtrald.audio.ffmpeg import Bounds
from voxtrald.audio.jail import cell
from voxtrald.audio.jail.keeper import Inmate, Keeper
from voxtrald.audio.jail.orders import LAYERS, PRIVILEGES, SECCOMP, Order
from voxtrald.errors import DependencyError, StorageUnavailable

PERL = Path(shutil.which("perl") or "/usr/bin/perl").resolve()
needs_perl = pytest.mark.skipif(not PERL.exists(), reason="needs perl, which plays a decoder that was taken over")
NOBODY = 65_534
BOTH = pytest.mark.parametrize(("layers", "outcome"), [(LAYERS, "refused"), ((), "done")], ids=["jailed", "free"])
ORDINARY = Bounds(timeout_s=60.0)

CALLS = {"x86_64": {"ptrace": 101, "mmap": 9}, "aarch64": {"ptrace": 117, "mmap": 222}}.get(platform.machine(), {})
TRIES = {
    "read another file": "open(F, '<', '{place}/secret')",
    "list a folder": "opendir(D, '{place}')",
    "write over another file": "open(F, '>', '{place}/secret')",
    "make a file": "open(F, '>', '{place}/new')",
    "make a folder": "mkdir('{place}/folder')",
    "remove a file": "unlink('{place}/secret')",
    "rename a file": "rename('{place}/secret', '{place}/taken')",
    "make a link": "symlink('/', '{place}/link')",
    "change a file's mode": "chmod(0777, '{place}/secret')",
    "change a file's time": "utime(1, 1, '{place}/secret')",
    "look into its starter": "open(F, '<', '/proc/' . getppid() . '/environ')",
    "connect": "socket(S, 2, 1, 0) && connect(S, pack('SnC4x8', 2, {port}, 127, 0, 0, 1))",
    "open a port": "socket(S, 2, 2, 0) && bind(S, pack('Snx4x8', 2, 0))",
    "make a socket pair": "socketpair(A, B, 1, 1, 0)",
    "fork": "defined($p = fork) && ($p || exit)",
    "run another program": "!system('/bin/true')",
    "signal its starter": "kill(0, getppid())",
    "be traced": "syscall({ptrace}, 0, 0, 0, 0) == 0",
    "write code into memory": "syscall({mmap}, 0, 4096, 7, 0x22, -1, 0) != -1",
}


def order(*arguments: str, reads: Path | None = None, writes: Path | None = None, **limits: int) -> Order:
    """Order a run with ample limits."""
    ample = {"memory_bytes": 1 << 30, "cpu_s": 60, "file_bytes": 1 << 30}
    return Order(arguments=arguments, reads=str(reads or "/dev/null"), writes=str(writes or ""), **{**ample, **limits})


def listen_to(inmate: Inmate) -> tuple[int | None, str]:
    """Let a run come to its end; give its exit code and what it said."""
    said = inmate.stdout.read() + inmate.stderr.read()
    returncode = inmate.wait(20)
    inmate.end()
    return returncode, said.decode()


def perl(script: str, *, layers: tuple[str, ...] = LAYERS, **asked) -> tuple[int | None, str]:
    """Have perl do something where ffmpeg would be."""
    keeper = Keeper(PERL, layers=layers)
    try:
        return listen_to(keeper.start(order("-e", script, **asked)))
    finally:
        keeper.close()


def gone(pid: int, *, within_s: float = 10.0) -> bool:
    """Wait until a process is gone, or has become a zombie that nobody buries here."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(within_s)
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    return True


@pytest.fixture
def secret(tmp_path):
    """Give a folder with a file in it that is nobody's business."""
    (tmp_path / "secret").write_text("a secret")
    (tmp_path / "secret").chmod(0o644)
    return tmp_path


# --- what it tries --------------------------------------------------------------------------------------------


@needs_perl
@pytest.mark.skipif(not CALLS, reason="needs the numbers of this machine's system calls")
@BOTH
@pytest.mark.parametrize("attempt", TRIES)
def test_it_is_kept_from(secret, attempt, layers, outcome):
    """Each attempt fails in the jail, and succeeds without it, so that it is the jail that is seen here."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        script = TRIES[attempt]
        for name, value in {"place": secret, "port": server.getsockname()[1], **CALLS}.items():
            script = script.replace(f"{{{name}}}", str(value))
        returncode, said = perl(f"print(({script}) ? 'done' : 'refused')", layers=layers)
        heard = False
        with contextlib.suppress(BlockingIOError):
            server.accept()[0].close()
            heard = True

    assert (returncode, said) == (0, outcome)
    assert heard == (attempt == "connect" and outcome == "done")


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two processors")
@pytest.mark.parametrize("one_processor", [True, False])
def test_it_stays_on_one_processor_where_it_is_told_to(one_processor):
    """A child that has one processor counts one; another one counts as many as its starter."""
    keeper = Keeper(Path(shutil.which("nproc")))
    try:
        returncode, said = listen_to(keeper.start(order(one_processor=one_processor)))
    finally:
        keeper.close()

    assert (returncode, int(said)) == (0, 1 if one_processor else len(os.sched_getaffinity(0)))


@needs_perl
def test_a_folder_in_the_place_of_the_recording_opens_nothing(secret):
    """Who puts a folder where the recording was has not made all that is in it readable."""
    _, said = perl(f"print(open(F, '<', '{secret}/secret') ? 'done' : 'refused')", reads=secret)

    assert said == "refused"


@pytest.mark.parametrize(("layers", "is_read"), [(LAYERS, False), ((), True)], ids=["jailed", "free"])
def test_ffmpeg_cannot_read_another_recording(tmp_path, layers, is_read):
    """Even where its arguments name another file, ffmpeg gets at the one recording only."""
    mine, other = write_talk(tmp_path / "mine.wav"), write_talk(tmp_path / "other.wav")
    ffmpeg = new_ffmpeg(layers=layers)
    asked = [Command(arguments=("-i", f"file:{path}"), reads=mine) for path in (mine, other)]
    first, second = (ffmpeg.run(each, source=mine, bounds=ORDINARY).stderr for each in asked)

    assert "Audio:" in first
    assert ("Audio:" in second) == is_read


@pytest.mark.parametrize(("layers", "is_heard"), [(LAYERS, False), ((), True)], ids=["jailed", "free"])
def test_ffmpeg_cannot_connect(layers, is_heard):
    """Even where its arguments name an address, nobody hears from ffmpeg."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        ffmpeg = new_ffmpeg(layers=layers)
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}?timeout=200000"
        ffmpeg.run(Command(arguments=("-i", address), reads=BINARY), source=BINARY, bounds=ORDINARY)
        heard = False
        with contextlib.suppress(BlockingIOError):
            server.accept()[0].close()
            heard = True

    assert heard == is_heard


@pytest.mark.parametrize(("layers", "is_there"), [(LAYERS, False), ((), True)], ids=["jailed", "free"])
def test_ffmpeg_cannot_write_elsewhere(tmp_path, layers, is_there):
    """Beside the file it was told to make, ffmpeg makes none."""
    outputs = [("-t", "0.1", "-f", "wav", f"file:{tmp_path}/{name}") for name in ("target", "beside")]
    tone = ("-v", "error", "-y", "-f", "lavfi", "-i", "sine")
    ffmpeg = new_ffmpeg(layers=layers)
    for output in outputs:
        command = Command(arguments=(*tone, *output), reads=BINARY, writes=tmp_path / "target")
        ffmpeg.run(command, source=BINARY, bounds=ORDINARY)

    assert (tmp_path / "target").stat().st_size > 1000
    assert (tmp_path / "beside").exists() == is_there


def test_in_a_work_folder_files_can_be_made(tmp_path):
    """Where a folder is the target, files appear in it and not beside it."""
    (tmp_path / "work").mkdir()
    said = []
    for place in ("work/a.wav", "b.wav"):
        tone = ("-v", "error", "-f", "lavfi", "-i", "sine", "-t", "0.1", f"file:{tmp_path}/{place}")
        command = Command(arguments=tone, reads=BINARY, writes=tmp_path / "work")
        said.append(new_ffmpeg().run(command, source=BINARY, bounds=ORDINARY).returncode)

    assert said[0] == 0
    assert said[1] != 0
    assert sorted(path.name for path in tmp_path.rglob("*.wav")) == ["a.wav"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a program that gives its user another's rights")
@pytest.mark.parametrize(("privileges", "user"), [(True, NOBODY), (False, 0)], ids=["jailed", "free"])
def test_a_setuid_program_gives_nothing(privileges, user):
    """A program that would make its caller root does not."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:  # one that nobody may enter
        Path(folder).chmod(0o755)
        program = Path(shutil.copy(shutil.which("id"), folder))
        program.chmod(0o4755)
        script = (
            "import os, sys; from voxtrald.audio.jail import cell, orders; os.setuid(int(sys.argv[1]));"
            "order = orders.Order((), '', '', 1, 1, 1); regime = orders.Regime(program='');"
            "walls = cell.Walls(privileges=sys.argv[2] == 'True', landlock_abi=-1, filter=b'');"
            "cell.confine(order, regime=regime, walls=walls, is_folder=False); os.execv(sys.argv[3], ['id', '-u'])"
        )
        command = [sys.executable, "-c", script, str(NOBODY), str(privileges), program]
        said = subprocess.run(command, capture_output=True, check=True, text=True).stdout

    assert int(said) == user


# --- what it gets ---------------------------------------------------------------------------------------------


@needs_perl
def test_it_sees_no_key(monkeypatch):
    """Neither the child nor the warden has the daemon's environment."""
    monkeypatch.setenv("MISTRAL_API_KEY", "0123456789abcdef")
    monkeypatch.setenv("http_proxy", "http://user:secret@proxy")
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    keeper = Keeper(PERL)
    _, said = listen_to(keeper.start(order("-e", "print join ',', sort keys %ENV")))
    warden = Path(f"/proc/{keeper.warden_pid}/environ").read_bytes()
    keeper.close()

    assert said == "LC_ALL,MALLOC_ARENA_MAX"
    assert warden == b"LC_ALL=C\0"


@needs_perl
def test_limits_stand_before_the_first_instruction():
    """The first thing a child can do is to find its limits, no open file but its streams, and who dies first."""
    script = """
        open(F, '<', "/proc/self/limits"); print <F>;
        opendir(D, '/proc/self/fd');
        print "fd $_\\n" for grep { /\\d/ && $_ != fileno(D) && $_ != fileno(F) } readdir(D);
        open(F, '<', '/proc/self/oom_score_adj'); print 'score ', <F>; printf("umask %o\\n", umask);
    """
    _, said = perl(script, layers=(), memory_bytes=1 << 28, cpu_s=7, file_bytes=12_345)
    limits = dict(re.findall(r"^Max ([a-z ]+?)  +(\S+)", said, re.MULTILINE))

    assert limits["address space"] == str(1 << 28)
    assert limits["cpu time"] == "7"
    assert limits["file size"] == "12345"
    assert limits["core file size"] == "0"
    assert limits["open files"] == str(cell.FILES_OPEN)
    assert sorted(re.findall(r"^fd (\d+)$", said, re.MULTILINE)) == ["0", "1", "2"]
    assert re.findall(r"^(?:score|umask) (\d+)$", said, re.MULTILINE) == [str(cell.TO_DIE_FIRST), "77"]


@needs_perl
@pytest.mark.parametrize(
    ("script", "limits", "returncodes"),
    [
        ("my $x = 'a' x (1 << 28); print 'done'", {"memory_bytes": 1 << 27}, {1, 12, -signal.SIGSEGV}),
        ("1 while 1", {"cpu_s": 1}, {-signal.SIGKILL, -signal.SIGXCPU}),
        ("open(F, '>', $ENV{HOME} || '{target}') or die; print F 'a' x 100000", {"file_bytes": 999}, {-signal.SIGXFSZ}),
    ],
    ids=["memory", "cpu", "file"],
)
def test_what_it_may_use_is_limited(tmp_path, script, limits, returncodes):
    """More memory, time or room than allowed is the end."""
    target = tmp_path / "target"
    returncode, said = perl(script.replace("{target}", str(target)), writes=target, **limits)

    assert returncode in returncodes
    assert "done" not in said
    assert target.stat().st_size <= limits.get("file_bytes", 0)


def test_the_jail_is_seen_from_outside():
    """The kernel itself says of a running ffmpeg that it is filtered and gains no privileges."""
    keeper = Keeper(BINARY)
    inmate = keeper.start(order("-re", "-f", "lavfi", "-i", "sine", "-f", "s16le", "-"))
    inmate.stdout.read(1)
    inmate.wait(0)
    status = Path(f"/proc/{inmate.pid}/status").read_text()
    session = os.getsid(inmate.pid)
    inmate.end()
    keeper.close()

    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status
    assert session == inmate.pid


# --- who is left behind ---------------------------------------------------------------------------------------


@needs_perl
def test_what_a_child_forks_dies_with_it():
    """A process that left the group and holds no pipe is found and ended all the same; this takes a jail with holes."""
    script = "my $pid = fork; print $pid and exit if $pid; setpgrp; close STDOUT; close STDERR; sleep 600"
    keeper = Keeper(PERL, layers=())
    _, said = listen_to(keeper.start(order("-e", script)))
    is_gone = gone(int(said))
    keeper.close()

    assert is_gone


DAEMON = """
import sys
from pathlib import Path
from voxtrald.audio.jail.keeper import Keeper
from tests.integration.test_audio_jail import order
keeper = Keeper(Path(sys.argv[1]))
inmate = keeper.start(order("-re", "-f", "lavfi", "-i", "sine", "-f", "null", "-"))
while inmate.pid is None:
    inmate.wait(0.1)
print("pids", keeper.warden_pid, inmate.pid, flush=True)
sys.stdin.read()
"""


def test_nothing_outlives_the_daemon():
    """After a kill -9 of the daemon there is neither a warden nor an ffmpeg."""
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", DAEMON, BINARY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root
    ) as daemon:
        line = next(line for line in daemon.stdout if line.startswith(b"pids"))
        pids = list(map(int, line.split()[1:]))
        running = [psutil.pid_exists(pid) for pid in pids]
        daemon.kill()
        daemon.wait()
        left = [pid for pid in pids if not gone(pid)]

    assert running == [True, True]
    assert left == []


def test_nothing_outlives_the_warden():
    """After a kill -9 of the warden there is no ffmpeg."""
    keeper = Keeper(BINARY)
    inmate = keeper.start(order("-re", "-f", "lavfi", "-i", "sine", "-f", "s16le", "-"))
    inmate.stdout.read(1)
    inmate.wait(0)
    os.kill(keeper.warden_pid, signal.SIGKILL)
    is_gone = gone(inmate.pid)
    inmate.end()
    keeper.close()

    assert is_gone


TONE = ("-v", "error", "-f", "lavfi", "-i", "sine", "-t", "10", "-f", "s16le", "pipe:1")


def kill_wardens() -> None:
    """End every warden of this process."""
    for each in psutil.Process().children():
        if is_warden(each):
            each.kill()
            gone(each.pid)


@pytest.mark.xdist_group("wardens")
def test_a_run_that_was_lost_begins_again():
    """When the warden is killed under way, the sound arrives all the same, and no piece of it twice."""
    ffmpeg, heard = new_ffmpeg(), []

    def hear(piece: bytes) -> None:
        if not heard:
            kill_wardens()
        heard.append(piece)

    finished = ffmpeg.feed(Command(arguments=TONE, reads=BINARY), source=BINARY, bounds=bounds_of(10), feed=hear)
    whole = ffmpeg.run(Command(arguments=TONE, reads=BINARY), source=BINARY, bounds=bounds_of(10))

    assert finished.returncode == 0
    assert b"".join(heard) == whole.stdout
    assert len(whole.stdout) == 10 * 44_100 * 2


def bounds_of(seconds: int) -> Bounds:
    """Allow that much sound."""
    return Bounds(timeout_s=60.0, stdout_bytes=(seconds + 1) * 88_200)


@pytest.mark.xdist_group("wardens")
def test_a_run_that_is_lost_again_is_the_machines_fault():
    """Whatever kills wardens one after the other, no recording is blamed for it."""
    with pytest.raises(DependencyError):
        new_ffmpeg().feed(
            Command(arguments=TONE, reads=BINARY),
            source=BINARY,
            bounds=bounds_of(10),
            feed=lambda _: kill_wardens(),
        )


@pytest.mark.xdist_group("wardens")
def test_a_warden_that_died_in_between_is_replaced():
    """A run that begins after the warden's death begins with another one."""
    ffmpeg = new_ffmpeg()
    command = Command(arguments=("-version",), reads=BINARY)
    ffmpeg.run(command, source=BINARY, bounds=ORDINARY)
    kill_wardens()

    assert ffmpeg.run(command, source=BINARY, bounds=ORDINARY).returncode == 0


def test_the_end_of_a_keeper_ends_its_warden():
    """Closed, there is neither a warden nor a zombie of one."""
    keeper = Keeper(BINARY)
    listen_to(keeper.start(order("-version")))
    pid = keeper.warden_pid
    keeper.close()

    assert not psutil.pid_exists(pid)


# --- what is told ---------------------------------------------------------------------------------------------


def test_what_is_in_force_is_told():
    """On this machine's kernel, the layers that it offers are named, and limits always."""
    jail = new_ffmpeg().jail()

    assert PRIVILEGES in jail.layers
    assert jail.layers[-1] == "limits"
    assert len(jail.layers) + len(jail.absent) == len(LAYERS) + 1


def test_a_wrapper_is_refused_with_a_hint(tmp_path):
    """A script in place of ffmpeg cannot be jailed, and that is told before any recording is touched."""
    wrapper = tmp_path / "ffmpeg"
    wrapper.write_text(f'#!/bin/sh\nexec {BINARY} "$@"\n')
    wrapper.chmod(0o755)
    with pytest.raises(DependencyError) as caught:
        new_ffmpeg(wrapper).jail()

    assert "script" in caught.value.hint


def test_a_target_that_cannot_be_made_is_the_storages_fault(tmp_path):
    """A work folder that went away holds work; neither the recording nor ffmpeg is blamed."""
    recording = write_talk(tmp_path / "a.wav")
    command = Command(arguments=("-version",), reads=recording, writes=tmp_path / "gone" / "a.mp3")

    with pytest.raises(StorageUnavailable):
        new_ffmpeg().run(command, source=recording, bounds=ORDINARY)


def test_a_wall_that_cannot_be_put_on_is_an_error():
    """What the trial found to be there is never silently left out in a run."""
    script = (
        "from voxtrald.audio.jail import cell, orders; order = orders.Order((), '', '', 1, 1, 1)\n"
        "walls = cell.Walls(privileges=True, landlock_abi=-1, filter=bytes(8))\n"
        "try: cell.confine(order, regime=orders.Regime(program=''), walls=walls, is_folder=False)\n"
        "except cell.StepFailed as failed: print(failed.step)"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True).stdout

    assert said == f"{SECCOMP}\n"
