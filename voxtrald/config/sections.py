"""Every key of the configuration: its type, its default, its range and its explanation.

With `engine.py` and `operating.py`, this is the only place where a key is described. The JSON Schema, the example
file, the names of the environment variables and the check of what people write are all made from these classes; the
string under a field is what editors and the example show.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic.config import JsonDict

from voxtrald.config.choices import OutputFormat
from voxtrald.config.matching import glob_fault
from voxtrald.config.permitting import SpeakerNames
from voxtrald.config.shape import Amount, AmountOrZero, ByEngine, Count, FilePath, Section, Word, Wrong, refusal
from voxtrald.links import host_entry
from voxtrald.retrying import Policy

NAME_FIELDS = ("stem", "date", "job")
MP3_LOW_RATE_HZ = 24_000
MP3_LOW_RATE_MAX_KBPS = 160

Container = Annotated[str, Field(pattern=r"^[a-z0-9]{2,5}$")]
Conversion = Literal["mp3", "flac", "ogg", "wav"]
SOME_WITHOUT_REPEATS: JsonDict = {"minItems": 1, "uniqueItems": True}  # what _some_without_repeats checks


def _host_entry(value: str) -> str:
    try:
        return host_entry(value)
    except ValueError as error:
        raise refusal("is not a host's name", hint="such as media.example.org or *.example.org:8443") from error


HostPattern = Annotated[str, Field(pattern=r"^(\*\.)?[^*:/?#@\s]+(:[0-9]+)?$"), AfterValidator(_host_entry)]


def _name_pattern(value: str) -> str:
    shown = ", ".join(f"{{{field}}}" for field in NAME_FIELDS)
    try:
        pieces = list(string.Formatter().parse(value))
    except ValueError as error:
        raise refusal("has a brace without its partner", hint="write {{ or }} for a brace itself") from error
    used = {field for _, field, _, _ in pieces if field is not None}
    unknown = sorted(used - set(NAME_FIELDS))
    if unknown:
        raise refusal(f"has the unknown part {{{unknown[0]}}}", hint=f"there are {shown}")
    if any(form or conversion for _, _, form, conversion in pieces):
        raise refusal("must use its parts as they are, without `:` or `!`", hint=f"there are {shown}")
    if not used & {"stem", "job"}:
        raise refusal("would give all recordings the same name", hint="it needs {stem} or {job}")
    if value.startswith(".") or any(sign in value for sign in "/\\\0"):
        raise refusal("must be one visible file name, without a folder")
    return value


def _usable_globs(values: tuple[str, ...]) -> tuple[str, ...]:
    for fault in filter(None, map(glob_fault, values)):
        raise refusal(fault)
    return values


def _some_without_repeats(values: tuple[str, ...]) -> tuple[str, ...]:
    # pydantic's own min_length counts the good items only, and would call a list of wrong ones empty as well
    if not values:
        raise refusal("must not be empty")
    if len(set(values)) < len(values):
        raise refusal("names something twice")
    return values


Formats = Annotated[tuple[Annotated[str, OutputFormat], ...], AfterValidator(_some_without_repeats)]


class FolderSettings(Section):
    """The four folders, made where they are missing. Relative paths start at the folder of this file."""

    inbox: FilePath = Path("./inbox")
    """Where recordings are dropped. Sub-folders are mirrored in the outbox."""

    outbox: FilePath = Path("./outbox")
    """Where transcripts appear, whole or not at all. Must not lie inside the inbox."""

    error: FilePath = Path("./error")
    """Where recordings go that cannot be transcribed, each with a report that says why and what to do."""

    state: FilePath = Path("./state")
    """The program's own memory: jobs, answers already paid for, work files. Must be on a local disk."""


class WatchSettings(Section):
    """How new recordings are noticed."""

    mode: Literal["auto", "events", "polling"] = "auto"
    """events: the kernel reports changes, a rescan finds what it missed. polling: the inbox is looked through
    every 5 seconds, for network shares that report nothing. auto: events, and polling of those folders that give
    none, by their file system or by trial."""

    settle_s: Amount = 2.0
    """A file is taken when it has not changed for this many seconds."""

    rescan_s: Amount = 30
    """Seconds between two full looks at the inbox; more in a crowded one, so that looking takes 1 % of the time."""

    recursive: bool = True
    """Whether recordings in sub-folders are taken too."""

    ignore: Annotated[tuple[Word, ...], AfterValidator(_usable_globs)] = Field(
        default=(), examples=[["drafts/**", "*.bak"]]
    )
    """Patterns of files to leave alone, beside the temporary files of well-known programs.
    `*` stays within one folder, `**` spans folders."""

    links: bool = False
    """Whether link files (`NAME.url`, `NAME.webloc`) count as recordings: what lies at the address in them is
    transcribed. Only addresses at the hosts in link_hosts are taken, and none inside this network."""

    link_hosts: tuple[HostPattern, ...] = Field(default=(), examples=[["media.example.org", "*.example.com"]])
    """The hosts that link files may name, on the usual ports; `media.example.org:8443` names another one.
    `*.example.com` stands for every host below example.com."""

    def wrongs(self) -> Iterator[Wrong]:
        """Check that links have somewhere to lead."""
        if self.links and not self.link_hosts:
            hint = "such as [media.example.org, '*.example.com']"
            yield Wrong(key="link_hosts", what="must name a host when links is true", hint=hint)


class AudioSettings(Section):
    """How audio is made ready."""

    accepted: Annotated[tuple[Container, ...], AfterValidator(_some_without_repeats), ByEngine()] = Field(
        default=("mp3", "wav", "flac", "ogg"), json_schema_extra=SOME_WITHOUT_REPEATS
    )
    """Formats that may be sent as they are. Everything else is converted."""

    convert_to: Annotated[Conversion, ByEngine()] = "mp3"
    """The format of converted audio."""

    bitrate_kbps: Annotated[int, Field(strict=True, ge=8, le=320)] = 48
    """Bit rate of converted audio in kbit/s. 48 is ample for speech at 16 kHz."""

    sample_rate_hz: Literal[8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000] = 16000
    """Sample rate of converted audio in Hz. Speech models listen at 16000."""

    copy_mode: Literal["auto", "always", "never"] = Field(default="auto", alias="copy")
    """Whether audio in an accepted format is cut without converting it. auto: where it is worth the time."""

    track: Literal["default", "mix"] | Annotated[int, Field(strict=True, ge=1, le=1000)] = "default"
    """Which track is heard where a recording has several. default: the one marked as default, else the first with
    sound. mix: all of them as one. A number: that one, counted from 1."""

    max_hours: Amount = 30
    """The longest recording in hours. What lasts longer fails before it costs anything: it is most likely damaged, or
    made to cost a lot."""

    skip_silence_over_s: Annotated[float, Field(strict=True, ge=2, le=86_400)] | None = None
    """Silences longer than this many seconds are not sent and not paid: hours of an empty room, say. null sends
    everything. The whole recording is listened to before its first part is sent."""

    ffmpeg: FilePath | None = Field(default=None, examples=["/usr/bin/ffmpeg"])
    """The ffmpeg program to use; null takes $VOXTRALD_FFMPEG, else the one that came with this program."""

    def wrongs(self) -> Iterator[Wrong]:
        """Check the bit rate against what mp3 allows at low sample rates (ISO/IEC 13818-3)."""
        is_low_rate_mp3 = self.convert_to == "mp3" and self.sample_rate_hz <= MP3_LOW_RATE_HZ
        if is_low_rate_mp3 and self.bitrate_kbps > MP3_LOW_RATE_MAX_KBPS:
            yield Wrong(
                key="bitrate_kbps",
                what=f"is {self.bitrate_kbps}, but an mp3 at {self.sample_rate_hz} Hz has at most "
                f"{MP3_LOW_RATE_MAX_KBPS} kbit/s",
            )


class ChunkSettings(Section):
    """How a long recording is cut into requests."""

    max_minutes: Annotated[float, Field(strict=True, gt=0, le=180), ByEngine()] = 14
    """The longest piece sent in one request."""

    first_minutes: Amount = 2
    """The length of the first piece: short, so that the first request leaves early."""

    search_s: Amount = 20
    """How many seconds before each mark the quietest place is looked for."""

    overlap_s: AmountOrZero = 3
    """How many seconds two pieces share where no quiet place was found."""

    def wrongs(self) -> Iterator[Wrong]:
        """Check the lengths against one another."""
        quarter_s = self.max_minutes * 60 / 4
        if self.first_minutes > self.max_minutes:
            what = f"is {self.first_minutes:g}, more than max_minutes ({self.max_minutes:g})"
            yield Wrong(key="first_minutes", what=what)
        if self.search_s >= self.first_minutes * 60:
            what = f"is {self.search_s:g} s, which is not less than first_minutes ({self.first_minutes:g})"
            yield Wrong(key="search_s", what=what)
        for key, value_s in (("search_s", self.search_s), ("overlap_s", self.overlap_s)):
            if value_s > quarter_s:
                what = f"is {value_s:g} s, more than a quarter of max_minutes ({quarter_s:g} s)"
                yield Wrong(key=key, what=what)


class RetrySettings(Section):
    """What happens when the far side does not answer or asks for patience."""

    attempts: Annotated[int, Field(strict=True, ge=1, le=100)] = 8
    """How often one chunk is tried before the recording is given up. An outage does not use attempts up."""

    first_wait_s: Amount = 1
    """Seconds before the second attempt; the wait doubles each time."""

    max_wait_s: Amount = 300
    """The longest wait between two attempts."""

    @property
    def policy(self) -> Policy:
        """The same in the terms of those who decide."""
        return Policy(attempts=self.attempts, first_wait_s=self.first_wait_s, max_wait_s=self.max_wait_s)

    def wrongs(self) -> Iterator[Wrong]:
        """Check the waits against one another."""
        if self.max_wait_s < self.first_wait_s:
            what = f"is {self.max_wait_s:g}, less than first_wait_s ({self.first_wait_s:g})"
            yield Wrong(key="max_wait_s", what=what)


class LimitSettings(Section):
    """How much happens at the same time, and how much may be spent."""

    recordings: Count = 4
    """Recordings worked on at the same time."""

    requests: Count = 8
    """Requests to the API at the same time, over all recordings."""

    requests_per_s: Amount | None = None
    """New requests per second at most, or null for no limit of our own."""

    max_cost_per_day: Amount | None = None
    """The most that a day may cost, in the currency of the prices (USD), or null for no limit. What would pass it
    waits until the next day begins, at midnight UTC."""

    max_cost_per_month: Amount | None = None
    """The most that a month may cost. What would pass it waits until the next month begins, UTC."""


class RuleLimitSettings(Section):
    """What the recordings of one rule may cost, beside what all of them may."""

    max_cost_per_day: Amount | None = None
    """The most that this rule's recordings may cost in a day, or null for no limit of their own."""

    max_cost_per_month: Amount | None = None
    """The most that this rule's recordings may cost in a month."""


class InspectSettings(Section):
    """Whether text and sound are compared, and what follows where they do not fit."""

    enabled: bool = True
    """Whether each recording is listened to for speech without text, text without speech, and loops."""

    repair_share: Annotated[float, Field(strict=True, ge=0, le=1)] = 0.2
    """How much may be asked a second time where text is missing or wrong, as a share of what the recording costs, or
    a minute where that is more. 0 asks nothing again and only says what was found."""


class OutputSettings(Section):
    """What is left in the outbox."""

    formats: Formats = Field(default=("txt", "srt", "vtt", "json"), json_schema_extra=SOME_WITHOUT_REPEATS)
    """The files made of each transcript, by their endings, such as txt, srt, vtt, json, md and html."""

    name: Annotated[str, AfterValidator(_name_pattern)] = "{stem}"
    """The files' name without its ending: {stem} is the recording's name, {date} the day, {job} the job's
    id. Where a name is taken, the whole set gets ` (2)`."""

    originals: Literal["outbox", "keep", "delete"] = "outbox"
    """What becomes of a finished recording. outbox: it follows its transcript. keep: it stays in the inbox.
    delete: it is deleted."""

    partial: Literal["outbox", "error"] = "outbox"
    """Where a recording goes in whose text something is missing although every part was answered. The text names
    the place either way."""

    speakers: SpeakerNames = Field(default=SpeakerNames({}), examples=[{"speaker_1": "Anna"}])
    """Names to show in place of the speakers' labels, as these stand in a transcript. Needs `diarize: true`."""


class DispatchSettings(Section):
    """Who shares the work."""

    url: Annotated[str, Field(pattern=r"^(sqlite|postgres(ql)?://.+)$")] = Field(
        default="sqlite", repr=False
    )  # a database's address carries its password
    """sqlite: this process alone, with its ledger in the state folder. A PostgreSQL address (a fleet of
    hosts) is not available in this version."""


class WebSettings(Section):
    """The status page."""

    listen: Word | None = Field(default=None, examples=["127.0.0.1:8642"])
    """Address and port of the page, or null for none. Not available in this version."""


class LoggingSettings(Section):
    """What is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important message that is written."""

    format: Literal["auto", "console", "json"] = "auto"
    """console: for eyes. json: one object per line. auto: console on a terminal, json elsewhere."""
