"""The keys of `sidecars`: what people may choose in files beside their recordings.

They are keys like those in `sections.py`, see there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from voxtrald.config.engine import EngineSettings
from voxtrald.config.shape import FixedMapping, Section, Word, Wrong, refusal

LONGEST_NAME = 100


def _one_line(value: str) -> str:
    """Let through what can stand before spoken text in every output format."""
    if len(value) > LONGEST_NAME or not value.isprintable() or not value.strip():
        raise refusal(f"must be a name in one line, of at most {LONGEST_NAME} characters")
    return value.strip()


PlainName = Annotated[str, AfterValidator(_one_line)]
SpeakerNames = FixedMapping[PlainName]


class SidecarSettings(Section):
    """What people may choose in files beside their recordings."""

    enabled: bool = True
    """Whether `voxtrald.yaml`, `NAME.voxtrald.yaml` and `names.txt` in the inbox count: language, vocabulary,
    speakers and formats for what lies beside them, written by those who may drop recordings."""

    engines: FixedMapping[EngineSettings] = Field(
        default=FixedMapping[EngineSettings]({}), examples=[{"here": {"kind": "local", "model": "small"}}]
    )
    """Engines that these files may choose, by the names given here. Each takes over from `engine` what a rule's
    engine would. Recordings whose rule names a local engine, or another service than `engine`, stay with it, unless
    that rule itself lists names in its `sidecars.engines`."""

    def wrongs(self) -> Iterator[Wrong]:
        """Check that the names can be written in one word."""
        for name in self.engines:
            if name != name.strip() or not name.isprintable():
                yield Wrong(key="engines", what=f"has the name {name!r}, which nobody could write")


class RuleSidecarSettings(Section):
    """What files beside the recordings of one rule may choose."""

    enabled: bool = True
    """Whether such files count for this rule's recordings."""

    engines: tuple[Word, ...] = ()
    """The names, among those of `sidecars.engines`, that may be chosen for this rule's recordings; no others."""
