"""What is fuzzed: a function for each reader, from any bytes to nothing, that asserts what must hold of the outcome."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

from voxtrald.audio import description, ending, faults, frames, layer3, reservoir, riff, sniffing, xing
from voxtrald.audio.complaining import Complaints, fold, headline
from voxtrald.transcript.model import Cut
from voxtrald.transcript.planning import ChunkLimits, first_window, needs_cutting, plan_spans, search_windows

MOST_READS = 10_100
CONTAINERS = ("aiff", "caf", "w64", "asf", "wav", "mov", "matroska", "mp3", "ogg", "flac")


def fuzz_description(data: bytes) -> None:
    """What ffmpeg prints about a file is read, or is not a description."""
    text = data.decode("utf-8", errors="replace")
    read = description.read_description(text)
    end_ms = description.last_out_time_ms(text)

    assert end_ms is None or end_ms >= 0
    assert read is None or read.container
    assert read is None or read.duration_ms is None or read.duration_ms >= 0


def fuzz_complaints(data: bytes) -> None:
    """What ffmpeg complains about stays small, and always gives a reason with something to do."""
    complaints = Complaints(limit=512)
    for at in range(0, len(data), 97):
        complaints.add(data[at : at + 97])
    folded = fold(str(complaints))
    fault = faults.recording_fault(folded)

    assert len(str(complaints).encode("utf-8", errors="replace")) <= 3 * 512
    assert folded == "" or headline(folded) in folded
    assert fault.hint
    assert fault.message


def fuzz_sniffing(data: bytes) -> None:
    """A first look names an intruder or lets a file pass, and a tag that fills the file is told."""
    name = sniffing.name_intruder(data[: sniffing.SNIFF_BYTES])
    tags = faults.why_only_tags(data[: sniffing.SNIFF_BYTES], size_bytes=len(data))

    assert not (name and sniffing.starts_like_sound(data))
    assert tags is None or data.startswith(b"ID3")


def fuzz_ending(data: bytes) -> None:
    """Where a file ends is found in a bounded number of reads, whatever its header claims."""
    container, data = CONTAINERS[data[0] % len(CONTAINERS)], data[1:]
    reads = itertools.count()

    def read(at: int, length: int) -> bytes:
        assert at >= 0
        assert 0 <= length <= 1 << 17
        assert next(reads) < MOST_READS
        return data[at : at + length]

    found = ending.find_ending(container, read=read, size_bytes=len(data))

    assert found.declared_bytes is None or found.declared_bytes >= 0
    assert container == "ogg" or found.is_cut_off == ((found.declared_bytes or 0) > len(data))


def fuzz_frames(data: bytes) -> None:
    """An mp3's index lies within the file, in order; its pieces are headed by a frame that can be read."""
    step, data = 1 + data[0], data[1:]
    found = frames.walk(data[at : at + step] for at in range(0, len(data), step))
    if found is None:
        return
    count = len(found.kinds)
    places = [found.byte_of(number) for number in range(count + 1)]

    assert places == sorted(set(places))
    assert places[-1] <= len(data)
    assert all(layer3.read_frame(data, place) is not None for place in places[:-1])
    assert layer3.read_frame(found.head(0, count)) is not None
    assert 0 <= found.nearest(found.duration_ms / 2) <= count
    assert found.before(10.0**12) == found.nearest(10.0**12) == found.behind(10.0**12) == count


def fuzz_mp3_headers(data: bytes) -> None:
    """Tags, frames and counts at an mp3's beginning are read from any bytes."""
    assert layer3.id3_length(data) >= 0
    assert reservoir.gap_ms(data) >= 0
    assert sum(frame.length_bytes for frame in reservoir.read_frames(data)) <= len(data) + 2_000
    xing.tells_frames(data)


def fuzz_riff(data: bytes) -> None:
    """Samples that are found in a WAV lie within the file."""
    found = riff.find_samples(data, size_bytes=len(data))
    riff.is_all(data)
    if found is None:
        return

    assert found.duration_ms >= 0
    assert 0 <= found.byte_of(0) <= found.byte_of(found.count) <= len(data)
    assert found.head(0, found.count)[8:12] == b"WAVE"


def fuzz_planning(data: bytes) -> None:
    """Whatever the limits and wherever the cuts, the spans cover the recording and none is too long."""
    numbers = [int.from_bytes(data[at : at + 3], "big") for at in range(0, len(data), 3)]
    numbers = [*numbers, *[1] * 6]
    limits = ChunkLimits(
        max_ms=1_000 + numbers[0] % 11_000_000,
        first_ms=1 + numbers[1] % 11_000_000,
        search_ms=numbers[2] % 100_000,
        overlap_ms=numbers[3] % 100_000,
    )
    duration_ms = 1 + numbers[4] % (400 * limits.max_ms)
    if not needs_cutting(duration_ms, limits):
        return
    window = first_window(limits)
    choices = itertools.cycle(numbers[5:])
    first = Cut(at_ms=window.start_ms + next(choices) % (window.length_ms + 1), quiet=next(choices) % 2 == 0)
    cuts = [first]
    if first.at_ms < duration_ms:
        for found in search_windows(duration_ms, first_cut=first, limits=limits):
            at_ms = found.start_ms + next(choices) % (found.length_ms + 1)
            cuts.append(Cut(at_ms=at_ms, quiet=next(choices) % 2 == 0))
    spans = plan_spans(duration_ms, cuts, limits=limits)

    assert (spans[0].start_ms, spans[-1].end_ms) == (0, duration_ms)
    assert all(one.start_ms <= two.start_ms <= one.end_ms < two.end_ms for one, two in itertools.pairwise(spans))
    assert all(0 < span.length_ms <= limits.max_ms for span in spans)


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "description": fuzz_description,
    "complaints": fuzz_complaints,
    "sniffing": fuzz_sniffing,
    "ending": fuzz_ending,
    "frames": fuzz_frames,
    "mp3-headers": fuzz_mp3_headers,
    "riff": fuzz_riff,
    "planning": fuzz_planning,
}


def run_one(data: bytes) -> None:
    """Run the target that the first byte chooses on the other bytes."""
    if len(data) >= 2:
        list(TARGETS.values())[data[0] % len(TARGETS)](data[1:])
