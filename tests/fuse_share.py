"""A file system in user space, to be stopped and killed: a share whose server hangs or dies, as real as it gets.

    python -m tests.fuse_share MOUNT_POINT

serves one folder with one file, `talk.mp3`, until it is killed. Speaks just enough of the kernel's FUSE protocol
(linux/fuse.h, version 7.31) for a folder to be listed and a file to be looked at; everything else is refused.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import sys
from collections.abc import Callable

ROOT, FILE = 1, 2
NAME = b"talk.mp3"
SIZE_BYTES = 5

_LOOKUP, _FORGET, _GETATTR, _STATFS, _INIT, _OPENDIR, _READDIR, _RELEASEDIR = 1, 2, 3, 17, 26, 27, 28, 29
_BATCH_FORGET = 42
_REQUEST_BYTES = 1 << 17
_OLD_S = 1_600_000_000


def attributes(node: int) -> bytes:
    """Describe the folder or the file; its time never changes."""
    mode = stat.S_IFDIR | 0o755 if node == ROOT else stat.S_IFREG | 0o644
    size_bytes = SIZE_BYTES if node == FILE else 0
    return struct.pack("<6Q10I", node, size_bytes, 1, *[_OLD_S] * 3, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def listing(offset: int) -> bytes:
    """List the folder; the kernel asks again from where a list ended."""
    names = [(ROOT, b"."), (ROOT, b".."), (FILE, NAME)]
    entries = [(at + 1, node, name) for at, (node, name) in enumerate(names)]
    packed = (struct.pack("<QQII", node, after, len(name), 0) + name for after, node, name in entries[offset:])
    return b"".join(entry + b"\0" * (-len(entry) % 8) for entry in packed)


def look_up(_node: int, body: bytes) -> bytes:
    """Find the one file."""
    if body.rstrip(b"\0") != NAME:
        raise FileNotFoundError(errno.ENOENT, "no such name")
    return struct.pack("<4Q2I", FILE, 0, 0, 0, 0, 0) + attributes(FILE)


ANSWERS: dict[int, Callable[[int, bytes], bytes]] = {
    _INIT: lambda _node, _body: struct.pack("<4I2H2I2H8I", 7, 31, 0, 0, 0, 0, 4096, 1, 0, 0, *[0] * 8),
    _LOOKUP: look_up,
    _GETATTR: lambda node, _body: struct.pack("<Q2I", 0, 0, 0) + attributes(node),
    _OPENDIR: lambda _node, _body: struct.pack("<Q2I", 0, 0, 0),
    _READDIR: lambda _node, body: listing(struct.unpack_from("<2Q", body)[1]),
    _RELEASEDIR: lambda _node, _body: b"",
    _STATFS: lambda _node, _body: struct.pack("<5Q4I24x", 0, 0, 0, 0, 0, 4096, 255, 4096, 0),
}


def answer(request: bytes) -> bytes | None:
    """Answer one request of the kernel; some want no answer."""
    _length, opcode, unique, node = struct.unpack_from("<IIQQ", request)
    if opcode in {_FORGET, _BATCH_FORGET}:
        return None
    error, body = 0, b""
    try:
        body = ANSWERS[opcode](node, request[40:])
    except KeyError:
        error = -errno.ENOSYS
    except OSError as refused:
        error = -(refused.errno or errno.EIO)
    return struct.pack("<IiQ", 16 + len(body), error, unique) + body


def serve(point: str) -> None:
    """Mount, say so, and answer until killed."""
    device = os.open("/dev/fuse", os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
    if libc.mount(b"voxtrald-test", os.fsencode(point), b"fuse.voxtrald-test", 0, options):
        raise OSError(ctypes.get_errno(), "cannot mount")
    print("mounted", flush=True)
    while True:
        reply = answer(os.read(device, _REQUEST_BYTES))
        if reply is not None:
            os.write(device, reply)


if __name__ == "__main__":
    try:
        serve(sys.argv[1])
    except OSError as error:
        sys.exit(f"no file system in user space here: {error}")
