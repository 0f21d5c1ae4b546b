"""What the installed service can reach, and that its files find their way all the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.e2e.daemon import files_in, wait_for

pytestmark = pytest.mark.xdist_group("systemd")

ALICE = 4711
PROBE = """\
import json, os, pathlib, sys
from voxtrald.config.placing import read_mounts
def tries(act, path):
    try:
        act(pathlib.Path(path))
    except OSError:
        return False
    return True
read = [path for path in sys.argv[1].split(",") if tries(pathlib.Path.read_bytes, path)]
write = [path for path in sys.argv[2].split(",") if tries(lambda folder: (folder / "probe").write_bytes(b""), path)]
listed = [name for name in os.listdir("/proc") if name.isdigit()]
print(json.dumps({"read": read, "write": write, "processes": len(listed), "mounts": len(read_mounts()) > 0}))
"""
ROOT_HOME = "/root"
SECRETS = (
    "/etc/shadow",
    "/home/alice/notes.txt",
    f"{ROOT_HOME}/notes.txt",
    "/tmp/notes.txt",  # noqa: S108 - the lab's own
    "/etc/credstore/voxtrald.api-key",
)
ALLOWED = ("/srv/voxtrald/inbox", "/srv/voxtrald/outbox", "/srv/voxtrald/error", "/var/lib/voxtrald")
ELSEWHERE = ("/srv/open", "/var/lib", "/etc/voxtrald", "/opt", "/home/alice", "/dev", "/usr/local")

SEPARATE = """\
[Service]
ReadWritePaths=
ReadWritePaths=/srv/voxtrald/inbox /srv/voxtrald/outbox /srv/voxtrald/error
"""


def expose(root):
    """Leave files that everybody may read, and a folder that everybody may write to."""
    for name in ("home/alice/notes.txt", f"{ROOT_HOME[1:]}/notes.txt", "tmp/notes.txt"):
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.parent.chmod(0o777)
        path.write_text("private")
        path.chmod(0o666)
    (root / "srv/open").mkdir(mode=0o777)
    (root / "srv/open").chmod(0o777)


def run_in_sandbox(service, *command):
    """Run a command in place of the daemon: by the same unit, so in the same sandbox; give what it printed."""
    line = " ".join(f'"{word}"' for word in command)
    service.add_setting(f"[Service]\nType=oneshot\nWatchdogSec=0\nExecStart=\nExecStart={line}\n")
    service.start()
    return next(line for line in service.journal().splitlines() if line.startswith('{"read"'))


def inode_of(path: Path) -> int:
    """Tell a renamed file from a copied one."""
    return path.stat().st_ino


def test_the_sandbox_holds(service):
    """What the service starts reads nobody's files and writes nowhere but into its folders, whatever modes allow."""
    service.start()  # makes the state folder
    service.lab.run("systemctl", "stop", "voxtrald")
    expose(service.lab.root)
    (service.lab.root / "opt/voxtrald-probe.py").write_text(PROBE)
    outside = service.lab.run(
        *("runuser", "--user=voxtrald", "--", "/usr/bin/env", "LD_LIBRARY_PATH=/opt/python/lib"),
        *("/opt/voxtrald/bin/python", "/opt/voxtrald-probe.py", ",".join(SECRETS), ",".join(ELSEWHERE)),
    ).stdout
    python = ("/usr/bin/env", "LD_LIBRARY_PATH=/opt/python/lib", "/opt/voxtrald/bin/python")
    seen = json.loads(
        run_in_sandbox(service, *python, "/opt/voxtrald-probe.py", ",".join(SECRETS), ",".join((*ALLOWED, *ELSEWHERE)))
    )

    assert json.loads(outside)["read"] == list(SECRETS[1:4])
    assert "/srv/open" in json.loads(outside)["write"]
    assert seen == {"read": [], "write": list(ALLOWED), "processes": 1, "mounts": True}


def test_the_daemon_has_no_rights_to_give_up(service):
    """The running daemon has no capability, may gain none, and its system calls are filtered."""
    service.start()
    status = (service.lab.root / "proc" / service.show("MainPID") / "status").read_text()
    fields = dict(line.split(":\t", maxsplit=1) for line in status.splitlines() if ":\t" in line)

    assert {int(fields[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")} == {0}
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"
    assert fields["Umask"] == "0007"


def test_within_one_parent_a_recording_is_renamed(service, recordings):
    """With the shipped unit the recording in the outbox is the very file that was dropped."""
    service.start()
    service.drop(recordings.make().path, "memo.wav")
    dropped = inode_of(service.inbox / "memo.wav")
    service.finish("memo.wav")

    assert inode_of(service.outbox / "memo.wav") == dropped


def test_folders_named_one_by_one_cost_a_copy(service, recordings):
    """Where each folder is a mount of its own, renaming fails between them, and the recording is copied whole."""
    service.add_setting(SEPARATE)
    service.start()
    spoken = recordings.make()
    service.drop(spoken.path, "memo.wav")
    dropped = inode_of(service.inbox / "memo.wav")
    service.finish("memo.wav")
    wait_for(lambda: files_in(service.inbox) == [], what="an empty inbox")

    assert inode_of(service.outbox / "memo.wav") != dropped
    assert (service.outbox / "memo.wav").read_bytes() == spoken.path.read_bytes()
    assert service.words("memo") == spoken.words


def test_people_of_the_group_drop_and_fetch(service, recordings):
    """A recording that somebody else owns is taken, and who is in the group may read, mend and delete the results."""
    service.lab.run("useradd", "--uid", str(ALICE), "--groups", "voxtrald-drop", "alice")
    service.start()
    source = service.lab.root / "var/tmp/memo.wav"
    shutil.copyfile(recordings.make().path, source)
    source.chmod(0o644)
    as_alice = ("runuser", "--user=alice", "--")
    service.lab.run(*as_alice, "sh", "-c", "umask 022; cp /var/tmp/memo.wav /srv/voxtrald/inbox/")
    service.finish("memo.wav")
    read = service.lab.run(*as_alice, "cat", "/srv/voxtrald/outbox/memo.txt").stdout
    service.lab.run(*as_alice, "sh", "-c", "echo mended >>/srv/voxtrald/outbox/memo.txt")
    service.lab.run(*as_alice, "rm", "/srv/voxtrald/outbox/memo.wav")

    assert read.split() == recordings.make().words
    assert service.words("memo")[-1] == "mended"
    assert (service.outbox / "memo.txt").stat().st_mode & 0o777 == 0o660


def test_a_share_that_is_mounted_later_is_seen(service, recordings):
    """A file system mounted into the inbox while the service runs is looked through, and its recordings are taken."""
    (service.inbox / "nas").mkdir()
    service.start()
    service.lab.run("mount", "-t", "tmpfs", "-o", "mode=0777", "tmpfs", "/srv/voxtrald/inbox/nas")
    service.lab.run("sh", "-c", "cat >/srv/voxtrald/inbox/nas/memo.wav </dev/null")
    shutil.copyfile(recordings.make().path, service.inbox / "nas/memo.wav")
    service.finish("nas/memo.wav")

    assert service.words("nas/memo") == recordings.make().words
