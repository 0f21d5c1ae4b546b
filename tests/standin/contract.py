"""Checks requests and answers against openapi.yaml."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

CONTRACT_FILE = Path(__file__).with_name("openapi.yaml")
_URI = "urn:contract"
_BODY = ("requestBody", "content", "multipart/form-data")


@cache
def load_contract() -> Mapping[str, Any]:
    """Read the OpenAPI document."""
    document: Mapping[str, Any] = yaml.safe_load(CONTRACT_FILE.read_text(encoding="utf-8"))
    return document


def template_of(path: str) -> str | None:
    """Find the path template that `path` belongs to, such as `/v1/files/{file_id}`."""
    parts = path.split("/")
    for template in load_contract()["paths"]:
        names = template.split("/")
        if len(names) == len(parts) and all(
            name == part or (name.startswith("{") and part) for name, part in zip(names, parts, strict=True)
        ):
            return str(template)
    return None


def form_problems(
    template: str, fields: Sequence[tuple[str, str]], files: Sequence[str], *, kinds: Mapping[str, str]
) -> list[str]:
    """List what is wrong with a form: its plain fields in order, their kinds, and the names of its file parts."""
    place = _follow("paths", template, "post", *_BODY, "schema")
    properties: Mapping[str, Any] = _at(*place)["properties"]
    form: dict[str, Any] = dict.fromkeys(files, "")
    problems = [f"file part sent twice: {name}" for name in set(files) if files.count(name) > 1]
    for name, value in fields:
        schema = _at(*_follow(*place, "properties", name)) if name in properties else {}
        if schema.get("type") == "array":
            form.setdefault(name, []).append(value)
        elif name in form:
            problems.append(f"field sent twice: {name}")
        else:
            form[name] = _typed(value, schema)
        if schema.get("format") == "binary":
            problems.append(f"file part without a file name: {name}")
        if kinds.get(name) != (wanted := _kind_of(template, name)):
            problems.append(f"field {name} is {kinds.get(name)} and should be {wanted}")
    return problems + _problems(form, *place)


def _kind_of(template: str, name: str) -> str | None:
    """Name the content type that a plain field has to have, or None for text."""
    encoding: Mapping[str, Mapping[str, str]] = _at("paths", template, "post", *_BODY).get("encoding", {})
    return encoding.get(name, {}).get("contentType")


def query_problems(template: str, method: str, query: Sequence[tuple[str, str]]) -> list[str]:
    """List what is wrong with the query parameters of a request."""
    operation = ("paths", template, method)
    places = [(*operation, "parameters", index) for index in range(len(_at(*operation).get("parameters", ())))]
    known = {_at(*place)["name"]: place for place in places}
    given = dict(query)
    problems = [f"unknown query parameter: {name}" for name in given if name not in known]
    for name, place in known.items():
        if name in given:
            schema = _follow(*place, "schema")
            problems += _problems(_typed(given[name], _at(*schema)), *schema, head=f"query {name}: ")
        elif _at(*place).get("required"):
            problems.append(f"missing query parameter: {name}")
    return problems


def path_problems(template: str, path: str) -> list[str]:
    """List what is wrong with the path parameters of a request."""
    pairs = zip(template.split("/"), path.split("/"), strict=True)
    return [
        problem
        for name, value in pairs
        if name == "{file_id}"
        for problem in _problems(value, "components", "parameters", "FileId", "schema", head="path file_id: ")
    ]


def answer_problems(template: str, method: str, status: int, body: object) -> list[str]:
    """List what is wrong with an answer's JSON body; a status the contract does not name is wrong too."""
    responses = ("paths", template, method, "responses")
    name = str(status) if str(status) in _at(*responses) else "default"
    if name == "default" and status < 500:
        return [f"status {status} is not in the contract of {method} {template}"]
    return _problems(body, *_follow(*responses, name), "content", "application/json", "schema")


def needs_key(template: str, method: str) -> bool:
    """Say whether an operation asks for the API key."""
    return bool(_at("paths", template, method).get("security", load_contract()["security"]))


def _typed(value: str, schema: Mapping[str, Any]) -> object:
    """Read a form or query value as its schema's type; what cannot be read stays text, to be refused."""
    kind = schema.get("type", "boolean" if schema.get("const") is False else "string")
    try:
        if kind == "integer":
            return int(value)
        if kind == "number":
            return float(value)
        if kind == "object":
            return json.loads(value)
    except ValueError:
        return value
    return {"true": True, "false": False}.get(value, value) if kind == "boolean" else value


def _at(*names: str | int) -> Mapping[str, Any]:
    node: Any = load_contract()
    for name in names:
        node = node[name]
    found: Mapping[str, Any] = node
    return found


def _follow(*names: str | int) -> tuple[str | int, ...]:
    """Where a place's definition stands: the place itself, or what its `$ref` names."""
    node = _at(*names)
    return tuple(node["$ref"].removeprefix("#/").split("/")) if "$ref" in node else names


def _problems(value: object, *names: str | int, head: str = "") -> list[str]:
    return [head + error.message for error in _validator(names).iter_errors(value)]


@cache
def _validator(names: tuple[str | int, ...]) -> Draft202012Validator:
    pointer = "/".join(str(name).replace("~", "~0").replace("/", "~1") for name in names)
    contract = DRAFT202012.create_resource(load_contract())
    registry: Registry[Any] = Registry().with_resource(_URI, contract)
    return Draft202012Validator({"$ref": f"{_URI}#/{pointer}"}, format_checker=FormatChecker(), registry=registry)
