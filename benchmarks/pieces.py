"""What each piece of preparing costs the processor, by format: the figures that `capacity.py` computes with.

One piece at a time, on ten minutes of sound; processor seconds of this process and of all that it starts.

    python -m benchmarks.pieces --cache /var/tmp/voxtrald-benchmarks
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.footprint import cpu_s
from benchmarks.recordings import long_sample
from benchmarks.reporting import options, show, write
from voxtrald.audio import prepare
from voxtrald.audio.copying import copy_chunk
from voxtrald.audio.ffmpeg import Ffmpeg
from voxtrald.audio.finding import find_ffmpeg
from voxtrald.audio.listening import listen
from voxtrald.audio.measuring import measure
from voxtrald.audio.probe import AudioSource, probe
from voxtrald.audio.quiet import find_cut
from voxtrald.audio.speech import Meter, find_speech
from voxtrald.config.sections import AudioSettings
from voxtrald.stopping import Stop
from voxtrald.transcript.model import Span

_FORMATS: Final = ("mp3", "m4a", "wav", "flac", "opus", "mp4")
_MINUTES: Final = 10
_AN_HOUR: Final = 60 / _MINUTES
_WINDOW: Final = Span(start_ms=280_000, end_ms=320_000)
_WHOLE: Final = Span(start_ms=0, end_ms=_MINUTES * 60_000)
_SHORTEST: Final = Span(start_ms=0, end_ms=1_000)
_TIMES: Final = 5
_COLUMNS: Final = (
    "",
    "look",
    "measure an hour",
    "find a cut",
    "start for a chunk",
    "convert an hour",
    "copy an hour",
    "listen an hour",
    "listen while converting an hour",
)


def mean_s(piece: Callable[[], object]) -> float:
    """Give the processor seconds of a piece; the kernel counts in hundredths, so it is done a few times."""
    before_s = cpu_s(os.getpid())
    for _ in range(_TIMES):
        piece()
    return (cpu_s(os.getpid()) - before_s) / _TIMES


def pieces(path: Path, *, ffmpeg: Ffmpeg, work: Path) -> tuple[float, ...]:
    """Measure every piece on one recording; 0 where it is never copied."""
    stop = Stop()
    source = probe(path, ffmpeg=ffmpeg)
    laid_out = replace(source, layout=measure(source, ffmpeg=ffmpeg, stop=stop).layout)
    start_s = mean_s(partial(_encode, source, _SHORTEST, ffmpeg=ffmpeg, work=work))
    whole_s = mean_s(partial(_encode, source, _WHOLE, ffmpeg=ffmpeg, work=work))
    copy = partial(copy_chunk, laid_out, _WHOLE, target=work / "copied", stop=stop)
    return (
        mean_s(partial(probe, path, ffmpeg=ffmpeg)),
        _AN_HOUR * mean_s(partial(measure, source, ffmpeg=ffmpeg, stop=stop)),
        mean_s(partial(find_cut, source, window=_WINDOW, ffmpeg=ffmpeg)),
        start_s,
        _AN_HOUR * (whole_s - start_s),
        _AN_HOUR * mean_s(copy) if prepare.is_copyable(laid_out) else 0.0,
        _AN_HOUR * mean_s(partial(_listen, source, ffmpeg=ffmpeg)),
        _AN_HOUR * (mean_s(partial(_encode, source, _WHOLE, ffmpeg=ffmpeg, work=work, is_heard=True)) - whole_s),
    )


def _listen(source: AudioSource, *, ffmpeg: Ffmpeg) -> None:
    meter = Meter()
    listen(source, ffmpeg=ffmpeg, feed=meter.feed_bytes)
    find_speech([meter.profile()], duration_ms=meter.heard_ms)


def _encode(source: AudioSource, span: Span, *, ffmpeg: Ffmpeg, work: Path, is_heard: bool = False) -> None:
    audio, meter = AudioSettings(), Meter() if is_heard else None
    prepare.encode_chunk(
        source,
        span,
        target=work / "encoded",
        is_last=False,
        bitrate_kbps=audio.bitrate_kbps,
        sample_rate_hz=audio.sample_rate_hz,
        ffmpeg=ffmpeg,
        meter=meter,
    )
    if meter:
        find_speech([meter.profile()], duration_ms=meter.heard_ms)


def main() -> None:
    """Measure."""
    chosen = options(__doc__).parse_args()
    ffmpeg = Ffmpeg(find_ffmpeg(), slots=1, stop=Stop())
    with tempfile.TemporaryDirectory() as folder:
        rows = [(name, *pieces(_sample(chosen.cache, name), ffmpeg=ffmpeg, work=Path(folder))) for name in _FORMATS]
    show("processor seconds", _COLUMNS, rows)
    write(chosen.json, {str(row[0]): dict(zip(_COLUMNS[1:], row[1:], strict=True)) for row in rows})


def _sample(cache: Path, name: str) -> Path:
    return long_sample(cache, name, minutes=_MINUTES).path


if __name__ == "__main__":
    main()
