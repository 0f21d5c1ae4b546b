"""What all sections of the configuration have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """A key whose value has the right type and still cannot be meant."""

    key: str
    what: str
    hint: str = ""


def refusal(what: str, *, hint: str = "") -> PydanticCustomError:
    """Make the error that a field's own check raises."""
    return PydanticCustomError("refusal", "{what}", {"what": what, "hint": hint})


@dataclass(frozen=True, slots=True)
class OneOf:
    """Annotate a text that is one of some choices which only the running program knows; else use `Literal`."""

    choices: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> CoreSchema:
        """Check, complain and describe as for a `Literal`."""
        del source, handler
        return core_schema.literal_schema(list(self.choices))


@dataclass(frozen=True, slots=True)
class ByEngine:
    """Annotate a key that the engine has a say in where nobody wrote it, see `Section.wrote`.

    The example configuration leaves it out: whoever starts from there and names another engine has not written it.
    """


class FixedMapping(Mapping[str, Value]):
    """Names and what belongs to each, never changed, so that the settings around them can be hashed.

    A field is annotated with what the values are, as in `FixedMapping[FilePath]`.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __repr__(self) -> str:
        return f"FixedMapping({self._values!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Take what a dictionary of names and such values takes."""
        value = next(iter(get_args(source)), Any)  # for a default, which is written into the schema, nobody says
        return core_schema.no_info_after_validator_function(
            cls,
            handler.generate_schema(dict[Word, value]),  # type: ignore[valid-type]
            serialization=core_schema.plain_serializer_function_ser_schema(dict),
        )


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

    def wrote(self, name: str) -> bool:
        """Tell whether somebody wrote this key, in the file, the environment or a rule, rather than left it out.

        Args:
            name: the field's name. A rule's section takes over from above what is written there.

        Raises:
            KeyError: there is no such field.
        """
        if name not in type(self).model_fields:
            raise KeyError(name)
        return name in self.model_fields_set

    def replaced(self, values: Mapping[str, Any]) -> Self:
        """Give a copy with other values in some fields; what was written stays what it was.

        The values are not checked, and must fit.
        """
        copy = self.model_copy(update=dict(values))
        copy.model_fields_set.intersection_update(self.model_fields_set)  # model_copy counts what it sets as written
        return copy

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
