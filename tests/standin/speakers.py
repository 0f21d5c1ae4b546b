"""Who says what: speakers are counted anew in each answer, but for those who were introduced by a clip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from tests.sound.speech import PlacedWord

SHORTEST_CLIP_S = 3.0
LONGEST_CLIP_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """The speakers of one request.

    Attributes:
        voices: the names of those whose voice is known.
        turns: who is named in turn for lines that were said without a voice.
    """

    voices: Mapping[int, str]
    turns: tuple[str, str]

    @classmethod
    def introduced(cls, clips: Mapping[str, Sequence[PlacedWord]]) -> Self:
        """Make the acquaintance of speakers by the words in their clips."""
        voices: dict[int, str] = {}
        silent: list[str] = []
        for name, words in clips.items():
            spoken = Counter(word.voice for word in words if word.voice is not None)
            if spoken:
                voices[spoken.most_common(1)[0][0]] = name
            else:
                silent.append(name)
        first, second, *_ = [*silent, *(f"speaker_{number}" for number in range(len(silent) + 1, 3)), "", ""]
        return cls(voices=voices, turns=(first, second))

    def name(self, lines: Sequence[Sequence[PlacedWord]]) -> list[str]:
        """Name who says each line; whoever is not known is numbered by first appearance."""
        numbered: dict[int, str] = {}
        names = []
        for index, line in enumerate(lines):
            voice = line[0].voice
            if voice is None:
                names.append(self.turns[index % len(self.turns)])
            elif voice in self.voices:
                names.append(self.voices[voice])
            else:
                names.append(numbered.setdefault(voice, f"speaker_{len(numbered) + 1}"))
        return names


def clip_problem(name: str, audio_s: float | None) -> str | None:
    """Say what is wrong with a clip (docs.mistral.ai, speech to text limits: 3 to 15 seconds)."""
    if audio_s is None:
        return "speaker_references: a clip could not be decoded"
    if not SHORTEST_CLIP_S <= audio_s <= LONGEST_CLIP_S:
        return f"speaker_references: the clip of {name} has {audio_s:.1f} s, and 3 to 15 are supported"
    return None
