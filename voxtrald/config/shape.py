"""What all sections of the configuration have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """A key whose value has the right type and still cannot be meant."""

    key: str
    what: str
    hint: str = ""


def refusal(what: str, *, hint: str = "") -> PydanticCustomError:
    """Make the error that a field's own check raises."""
    return PydanticCustomError("refusal", "{what}", {"what": what, "hint": hint})


class Section(BaseModel):
    """A group of keys, closed to unknown ones, and frozen, so that a job keeps what it began with."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )

    def wrongs(self) -> Iterator[Wrong]:
        """Name the keys that do not fit their neighbours."""
        yield from ()

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        wrongs = tuple(self.wrongs())
        if wrongs:
            sentence = "; ".join(f"{wrong.key}: {wrong.what}" for wrong in wrongs)
            raise PydanticCustomError("wrongs", "{sentence}", {"sentence": sentence, "wrongs": wrongs})
        return self


def _usable_path(value: object) -> object:
    if isinstance(value, str) and (not value.strip() or "\0" in value):
        raise refusal("must be a path, not empty text")
    return value


FilePath = Annotated[Path, BeforeValidator(_usable_path)]
Amount = Annotated[float, Field(strict=True, gt=0)]
AmountOrZero = Annotated[float, Field(strict=True, ge=0)]
Count = Annotated[int, Field(strict=True, ge=1, le=64)]
Word = Annotated[str, Field(min_length=1)]
