"""What has to become of each hostile file: a transcript, or a reason that a person understands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from voxtrald.errors import Reason


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What has to become of a file.

    Attributes:
        reason: why it fails; None for a transcript.
        heard: how many of the talk's words have to be in the transcript, or in the part of it beside the report.
        noted: whether the result tells of damage.
    """

    reason: Reason | None = None
    heard: Literal["all", "some", "none"] = "none"
    noted: bool = False

    def __str__(self) -> str:
        """Show it in a table."""
        if self.reason is not None:
            return f"`{self.reason}`" + (", with what could be heard" if self.heard != "none" else "")
        whole = {"all": "transcript", "some": "transcript of what can be heard", "none": "empty transcript"}[self.heard]
        return whole + (", with a note" if self.noted else "")


WHOLE = Verdict(heard="all")
PART = Verdict(heard="some")
NOTED = Verdict(heard="some", noted=True)
NOTHING = Verdict()
CUT = Verdict(reason=Reason.TRUNCATED, heard="some")


def fails(reason: Reason) -> Verdict:
    """Expect a failure before anything is paid."""
    return Verdict(reason=reason)


def _all(names: str, verdict: Verdict) -> Iterable[tuple[str, Verdict]]:
    return ((name, verdict) for name in names.split())


EXPECTED: dict[str, Verdict] = dict(
    [
        *_all("hls-file.mp3 hls-relative.m4a hls-http.wav hls-master.mp3 hls-key.mp3", fails(Reason.UNSUPPORTED)),
        *_all("hls-concat-subfile.mp3 hls-data.mp3 hls-binary.mp3 hls-utf16.mp3", fails(Reason.UNSUPPORTED)),
        *_all("m3u.wav pls.mp3 asx.wma dash.m4a sdp.mp3 avisynth.mp3", fails(Reason.UNSUPPORTED)),
        *_all("concat-relative.mp3 concat-http.wav concat-binary.mp3", fails(Reason.UNSUPPORTED)),
        *_all("subtitles.mp3 sami.m4a", fails(Reason.UNSUPPORTED)),
        *_all("dref-absolute.m4a dref-relative.mov", fails(Reason.EMPTY)),
        ("dref-http.mp4", Verdict(noted=True)),
        *_all("cover-address.mp3 subtitle-track.mkv", WHOLE),
        ("one-hertz.wav", fails(Reason.UNSUPPORTED)),
        *_all("days.flac years.mov hole.webm", fails(Reason.TOO_LONG)),
        ("granule.ogg", WHOLE),
        ("silence-24h.flac", NOTHING),
        *_all("tracks-10000.mkv tracks-10000.mp4", fails(Reason.UNSUPPORTED)),
        ("tracks-10000.ts", fails(Reason.UNREADABLE)),
        *_all("cover-256mb.mp3 cover-300mb.m4a", WHOLE),
        *_all("length-0.wav length-ffffffff.wav rf64-true.wav rf64-2-60.wav", WHOLE),
        ("length-3gb.wav", Verdict(reason=Reason.TRUNCATED, heard="all")),
        *_all("rate-96000.wav channels-2.wav", NOTHING),
        *_all("rate-2-31.wav channels-65535.wav", fails(Reason.UNSUPPORTED)),
        *_all("rate-0.wav channels-0.wav", fails(Reason.UNREADABLE)),
        *_all("bits-0.wav bits-65535.wav codec-unknown.wav", fails(Reason.UNSUPPORTED)),
        *_all("xing-few.mp3 xing-ffffffff.mp3 total-0.flac total-few.flac total-most.flac movie-length.m4a", WHOLE),
        ("xing-many.mp3", Verdict(heard="all", noted=True)),
        *_all("flips.mp3 flips.flac flips.ogg", PART),
        *_all("flips.m4a flips.mkv flips.wma", NOTED),
        ("flips-header.mp3", WHOLE),
        ("flips-header.wav", fails(Reason.UNREADABLE)),
        ("flips-header.m4a", fails(Reason.NO_AUDIO)),
        ("zeros-inside.mp3", NOTED),
        *_all("cut.mp3 cut.wav cut.flac cut.mkv cut.wma cut.aiff cut.caf cut.w64 cut-books-first.m4a", CUT),
        ("cut-books-last.m4a", fails(Reason.TRUNCATED)),
        ("cut.ogg", NOTED),
        ("cut-last-word.mp3", Verdict(heard="all", noted=True)),
        *_all("zero-bytes.mp3 no-samples.wav no-samples.flac no-samples.mov", fails(Reason.EMPTY)),
        *_all("one-byte.m4a tag-256mb.mp3 nuls.m4a", fails(Reason.TRUNCATED)),
        ("ten-ms.mp3", NOTHING),
        *_all("film.mp4 cover-only.mp3", fails(Reason.NO_AUDIO)),
        *_all("text.mp3 page.mp3 archive.m4a picture.wav program.ogg", fails(Reason.UNSUPPORTED)),
        ("random.mp3", fails(Reason.UNREADABLE)),
        ("192khz-8ch-float.wav", PART),
        *_all("m4a-named.mp3 trailing.mp3", WHOLE),
    ]
)
