"""A long mp3 over a slow line: do later chunks delay the first answer, and is the line kept busy?

A small relay between the daemon and the stand-in lets through only so many bits per second in the direction of the
service, shared by all connections, as a home's or an office's uplink does.

    python -m benchmarks.uplink --cache /var/tmp/voxtrald-benchmarks --mbit 20
"""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from benchmarks.far_side import TRANSCRIBE, UPLOAD, Call, standing_in
from benchmarks.program import running
from benchmarks.recordings import compare, long_sample
from benchmarks.reporting import options, show, write

_PIECE_BYTES: Final = 16 * 1024
_TIMEOUT_S: Final = 1800


class Line:
    """A shared line: each piece waits until those before it have been sent."""

    def __init__(self, *, bytes_per_s: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._free_at_s = 0.0
        self._lock = threading.Lock()

    def carry(self, count: int) -> None:
        """Wait as long as `count` bytes take, after all that others wanted to send earlier."""
        with self._lock:
            self._free_at_s = max(self._free_at_s, time.monotonic()) + count / self._bytes_per_s
            wait_s = self._free_at_s - time.monotonic()
        time.sleep(max(0.0, wait_s))


@contextlib.contextmanager
def relaying(url: str, line: Line) -> Iterator[str]:
    """Relay connections to `url` over a line while the block lasts; give the relay's own address."""
    parts = urlsplit(url)
    target = (str(parts.hostname), int(parts.port or 80))
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * _PIECE_BYTES)  # or the kernel takes it all
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        threading.Thread(target=_accept, args=(listener, target, line), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def _accept(listener: socket.socket, target: tuple[str, int], line: Line) -> None:
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return  # the benchmark is over
        far = socket.create_connection(target)
        far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_pump, args=(near, far, line), daemon=True).start()
        threading.Thread(target=_pump, args=(far, near, None), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket, line: Line | None) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(_PIECE_BYTES):
            if line is not None:
                line.carry(len(piece))
            sink.sendall(piece)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def busy_s(calls: Sequence[Call]) -> float:
    """Give how long at least one upload was under way."""
    total_s = covered_s = 0.0
    for call in calls:
        total_s += max(0.0, call.ended_s - max(call.began_s, covered_s))
        covered_s = max(covered_s, call.ended_s)
    return total_s


def main() -> None:
    """Measure."""
    parser = options(__doc__)
    parser.add_argument("--mbit", type=float, default=20.0, help="the line's speed in Mbit/s")
    chosen = parser.parse_args()
    sample = long_sample(chosen.cache, "mp3")
    line = Line(bytes_per_s=chosen.mbit * 1e6 / 8)
    with (
        standing_in(chosen.cache) as far_side,
        relaying(far_side.url, line) as url,
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder) / "vox", base_url=url) as program,
    ):
        began_s = program.drop(program.stage(sample.path))
        ended_s = program.wait_for(lambda: program.is_done(sample.path), timeout_s=_TIMEOUT_S)
        calls = far_side.calls()
        accuracy = compare(sample.words, program.text_of(sample.path))
    uploads = [call for call in calls if (call.method, call.path) == UPLOAD]
    answers = [call for call in calls if (call.method, call.path) == TRANSCRIBE]
    first = uploads[0]
    others = sum(call.began_s < first.ended_s for call in uploads[1:])
    alone_s = first.bytes_in * 8 / (chosen.mbit * 1e6)
    rows: list[tuple[object, ...]] = [
        ("end to end, s", ended_s - began_s),
        ("to the first upload, s", first.began_s - began_s),
        ("the first upload, s", first.ended_s - first.began_s),
        ("the first upload, had it the line for itself, s", alone_s),
        ("uploads that began beside the first", others),
        ("to the first answer, s", min(call.ended_s for call in answers) - began_s),
        ("uploaded, MB", sum(call.bytes_in for call in uploads) / 1e6),
        ("the line was busy, s", busy_s(uploads)),
        ("text exact", accuracy.exact),
    ]
    show(f"mp3 of 101 minutes over {chosen.mbit:g} Mbit/s", ("", "voxtrald"), rows)
    write(chosen.json, {str(name): value for name, value in rows})


if __name__ == "__main__":
    main()
