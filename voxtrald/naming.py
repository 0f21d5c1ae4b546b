"""What names mean: which files are recordings, and what their results are called.

Names are compared without regard to case, because the shares they lie on often do the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from pathlib import PurePosixPath

from voxtrald.globbing import compile_glob, composed

LONGEST_NAME_BYTES = 255
"""The longest name that ext4, XFS, Btrfs, ZFS and SMB all accept (NAME_MAX)."""

IGNORED = (
    # anything hidden: macOS (.DS_Store, ._*, .Spotlight-V100, .Trashes), rsync (.name.XXXXXX), vim (.*.swp),
    # Syncthing (.syncthing.*.tmp, .stversions), ownCloud (._sync_*.db), QNAP (.@__thumb), our own .voxtrald-*
    ".*",
    # downloads and copies that still grow: Chrome, Firefox, Safari, Opera, uTorrent, aria2, WinSCP, ownCloud
    *("*.crdownload", "*.part", "*.partial", "*.download", "*.opdownload", "*.!ut", "*.aria2", "*.filepart"),
    *("*.tmp", "*.temp", "*.ocTransferId*"),
    # editors and office programs
    *("*~", "~$*", "*.swp", "*.swo"),
    # what a NAS, Windows or a file system keeps beside the files
    *("@eaDir", "#recycle", "@Recycle", "#snapshot", "@Recently-Snapshot", "lost+found"),
    *("$RECYCLE.BIN", "System Volume Information", "Thumbs.db", "ehthumbs.db", "desktop.ini"),
    # what we write, and what people write for us
    *("*.error.txt", "*.partial.txt", "names.txt", "voxtrald.yaml", "*.voxtrald.yaml"),
)
"""Names that are never recordings, nor worth a word. A folder of such a name is not entered."""

NEVER_RECORDINGS = frozenset(
    (
        *("txt", "md", "rst", "log", "nfo", "csv", "tsv", "yaml", "yml", "json", "toml", "ini", "xml", "html", "htm"),
        *("srt", "vtt", "ass", "sub", "lrc", "pdf", "doc", "docx", "odt", "rtf", "xls", "xlsx", "ods"),
        *("ppt", "pptx", "odp", "jpg", "jpeg", "png", "gif", "webp", "heic", "svg", "bmp", "tif", "tiff"),
        # links and playlists are text that names other files or hosts, which a decoder would go and open
        *("url", "webloc", "lnk", "desktop", "m3u", "m3u8", "pls", "cue", "mpd", "ffconcat", "sdp"),
    ),
)
"""Extensions that people put beside recordings. Such files stay where they are and are mentioned once.

Link files are an exception where `watch.links` is on, see `IgnoreRules`. Every other name is offered for
transcription: what turns out to hold no audio is quarantined with a reason.
"""

LINK_EXTENSIONS = frozenset(("url", "webloc"))
"""Extensions of files that hold a web address: those of Windows and macOS."""


# --- patterns -----------------------------------------------------------------------------------------------


class IgnoreRules:
    """Which names are passed over in silence: the built-in ones and the user's globs.

    A pattern without a slash is about the name of a file or folder, wherever it is. A pattern with a slash is
    about the path from the inbox. A folder that is ignored takes everything below it along.

    Args:
        patterns: the user's globs.
        takes_links: whether link files are offered for transcription.

    Raises:
        ValueError: where a pattern makes no sense.
    """

    def __init__(self, patterns: Iterable[str] = (), *, takes_links: bool = False) -> None:
        self._takes_links = takes_links
        every = [_folded(pattern) for pattern in (*IGNORED, *patterns) if pattern.strip("/")]
        names = [pattern.rstrip("/") for pattern in every if "/" not in pattern.rstrip("/")]
        # A scan asks about every file in the inbox; nearly all patterns are plain words with a star at one
        # end, and asking for those without a regular expression is several times quicker.
        self._plain = frozenset(name for name in names if _is_plain(name))
        self._tails = tuple(name[1:] for name in names if name.startswith("*") and _is_plain(name[1:]))
        self._heads = tuple(name[:-1] for name in names if name.endswith("*") and _is_plain(name[:-1]))
        easy = (*self._plain, *(f"*{tail}" for tail in self._tails), *(f"{head}*" for head in self._heads))
        self._names = tuple(compile_glob(name) for name in names if name not in easy)
        self._paths = tuple(compile_glob(pattern.strip("/")) for pattern in every if "/" in pattern.rstrip("/"))

    def leaves(self, name: str) -> bool:
        """Whether the extension says that this is nothing to transcribe."""
        return is_never_recording(name) and not (self._takes_links and is_link_file(name))

    def ignores(self, relative: PurePosixPath) -> bool:
        """Whether this path, from the inbox, or a folder on the way to it is passed over."""
        return any(self.ignores_entry(part.name, str(part)) for part in (relative, *relative.parents))

    def ignores_entry(self, name: str, path: str) -> bool:
        """Whether one entry is passed over, its folder being none that is; `path` is from the inbox."""
        folded = _folded(name)
        return (
            folded in self._plain
            or folded.startswith(self._heads)
            or folded.endswith(self._tails)
            or any(pattern.fullmatch(folded) for pattern in self._names)
            or any(pattern.fullmatch(_folded(path)) for pattern in self._paths)
        )


def _folded(name: str) -> str:
    return composed(name).casefold()


def _is_plain(pattern: str) -> bool:
    return not set("*?[") & set(pattern)


def is_recording_name(relative: PurePosixPath, rules: IgnoreRules) -> bool:
    """Whether a file of this name, at this path from the inbox, is offered for transcription."""
    return not (rules.leaves(relative.name) or rules.ignores(relative))


def is_never_recording(name: str) -> bool:
    """Whether the extension says that this is no recording; see `NEVER_RECORDINGS`."""
    return _extension(name) in NEVER_RECORDINGS


def is_link_file(name: str) -> bool:
    """Whether the extension says that this file holds a web address."""
    return _extension(name) in LINK_EXTENSIONS


def _extension(name: str) -> str:
    return name.rpartition(".")[2].casefold() if "." in name else ""


# --- results ------------------------------------------------------------------------------------------------


def output_stem(template: str, *, stem: str, date: str, job: str) -> str:
    """Fill `{stem}`, `{date}` and `{job}` into the template; other braces stay as they are.

    The result is one name, never a path: a slash becomes `_`, and what would be no name becomes `stem`.
    """
    values = {"stem": stem, "date": date, "job": job}
    # One pass over the template: a recording that is itself called `{date}` keeps its name.
    filled = re.sub(r"\{(stem|date|job)\}", lambda found: values[found[1]], template).replace("/", "_")
    return filled if filled.strip(". ") else stem


def numbered(stem: str, n: int) -> str:
    """Give the n-th name of a series: `talk`, `talk (2)`, `talk (3)`."""
    return stem if n == 1 else f"{stem} ({n})"


def fit_name(stem: str, suffix: str) -> str:
    """Join stem and suffix; where that is too long for a file system, the stem loses its last characters."""
    room = max(LONGEST_NAME_BYTES - _size_bytes(suffix), 0)
    return _shortened(_shortened(stem, limit_bytes=room) + suffix, limit_bytes=LONGEST_NAME_BYTES)


def free_stem(stem: str, suffixes: Sequence[str], is_taken: Callable[[str], bool]) -> str:
    """Find the first numbered stem under which no file of the set exists; no name of the set is too long.

    Args:
        stem: the name wanted.
        suffixes: how the names of the set go on, such as `.srt`; at least one.
        is_taken: whether a name exists; it decides whether case matters.
    """
    candidates = (_fitted(stem, suffixes, n=n) for n in count(1))
    return next(free for free in candidates if not any(is_taken(free + suffix) for suffix in suffixes))


def _fitted(stem: str, suffixes: Sequence[str], *, n: int) -> str:
    """Shorten the stem before its number, so that the number survives."""
    longest = max(suffixes, key=_size_bytes)
    number = numbered("", n)
    return fit_name(stem, number + longest).removesuffix(longest)


def _shortened(text: str, *, limit_bytes: int) -> str:
    return "".join(_within(text, limit_bytes=limit_bytes)) if _size_bytes(text) > limit_bytes else text


def _within(text: str, *, limit_bytes: int) -> Iterator[str]:
    for character in text:
        limit_bytes -= _size_bytes(character)
        if limit_bytes < 0:
            return
        yield character


def _size_bytes(text: str) -> int:
    """Measure a name as it lies on disk; bytes that are no UTF-8 come in and go out as lone surrogates."""
    return len(text.encode("utf-8", "surrogateescape"))


# --- people -------------------------------------------------------------------------------------------------


def shown(name: str) -> str:
    """Give the name as it may stand in a log line or report.

    Line breaks, terminal controls, bytes that are no UTF-8 and marks that turn the writing direction (with
    which one extension can pose as another) are escaped. The file itself keeps its name.
    """
    return "".join(character if character.isprintable() else _escaped(character) for character in name)


def _escaped(character: str) -> str:
    first, last = 0xDC80, 0xDCFF  # how Python carries the bytes 0x80 to 0xFF of a name that is not UTF-8
    code = ord(character)
    return f"\\x{code - 0xDC00:02x}" if first <= code <= last else repr(character)[1:-1]
