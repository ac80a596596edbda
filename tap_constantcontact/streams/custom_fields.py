"""Contacts' custom fields by name, typed from the account's definitions.

This relies on facts about the API:

- A contact's value is a text, `value`; of a select field it is a list, `choice_ids`, beside it or
  in its place. (Contract.)
- The same choice has the key 1 in the definition and "000001" on a contact. (Contract.)
- A field's name is its label with underscores for spaces. It is called unique, but nothing says
  whether a deleted field frees its name. (Contract.)
- No format is documented for the values of the types date and datetime. So a date stays the text
  that the API sends. A datetime becomes an instant if it has an offset, and is left empty, with a
  warning, if it has none.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from singer_sdk import typing as th
from typing_extensions import override

from tap_constantcontact.records.conversion import READERS, UnfitError, printable, storable
from tap_constantcontact.records.rows import RawRows, Record, Rows, decoded, some
from tap_constantcontact.streams.fields import Field, flag, instant, number, text, texts

BY_NAME = "custom_fields_by_name"

FIELD_KINDS: Mapping[str, Callable[[str, str], Field]] = {
    "number": number,
    "currency": number,
    "boolean": flag,
    "datetime": instant,
    "multi_select": texts,
}
"""The kind of property that holds a type of field; all other types are texts."""

UNFIT = object()
"""A value that fits no type, so that it is left empty with a warning."""

_has_offset = re.compile(r".*([zZ]|[+-]\d\d:?\d\d)").fullmatch


class FieldsByName:
    """The custom fields of an account, by name.

    If the names of two fields differ in no more than case, the older one keeps its name, and the
    key of the other one is added to its name: a column keeps its meaning when a second field is
    made, also in a target that does not tell such names apart.

    Attributes:
        names: The name of each field, by its key.
        properties: The JSON schema of each field's values, by its name.

    Example:
        >>> visits = {"custom_field_id": "a1", "name": "Visits", "type": "number"}
        >>> fields = FieldsByName([visits])
        >>> fields.properties["Visits"]["type"]
        ['number', 'null']
        >>> fields.of([{"custom_field_id": "a1", "value": "3"}], fields.properties)
        {'Visits': 3.0}
    """

    def __init__(self, definitions: Iterable[Record]) -> None:
        self._labels: dict[str, dict[str, str]] = {}
        self.names: dict[str, str] = {}
        properties: dict[str, Field] = {}
        taken: set[str] = set()
        for row in sorted(definitions, key=_age):
            key = row["custom_field_id"]
            name = row.get("name") or key
            while name.casefold() in taken:
                name = f"{name}_{key}"
            taken.add(name.casefold())
            self.names[key] = name
            kind = row.get("type") or "unknown"
            described = f"{row.get('label') or name}, a custom field of the type {kind}."
            properties[name] = FIELD_KINDS.get(kind, text)(name, described)
            if kind.endswith("_select"):
                self._labels[key] = {  # of deleted choices too
                    _choice(choice.get("choice_id")): choice.get("choice_label") or ""
                    for choice in row.get("choices") or ()
                }
        self.properties: dict[str, Any] = th.PropertiesList(*properties.values()).to_dict()[
            "properties"
        ]

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of the property that holds the fields."""
        return {
            "type": ["object", "null"],
            "description": "Custom fields that have a value, by name.",
            "properties": self.properties,
        }

    def of(self, values: Iterable[Any], properties: Mapping[str, Any]) -> dict[str, Any]:
        """Return a contact's `custom_fields`, as the API sends them, by the names of their fields.

        The values have to fit the schemas of `properties`; fields that are not there are left out.
        """
        named = {}
        for value in values:
            key = key_of(value)
            name = self.names.get(key, "")
            if name not in properties:
                continue
            if key in self._labels:
                named[name] = _chosen(self._labels[key], value, properties[name])
            else:
                named[name] = _fitted(value.get("value"), properties[name])
        return named


class RowsWithFields(Rows):
    """Rows of contacts, whose records have the account's custom fields by name.

    The schema has the property for the fields.
    """

    def __init__(
        self, stream: str, schema: dict[str, Any], keys: Sequence[str], fields: FieldsByName
    ) -> None:
        super().__init__(stream, schema, keys)
        self._fields = fields
        self._properties = schema["properties"][BY_NAME].get("properties", {})
        self._known = {key for key, name in fields.names.items() if name in self._properties}
        self._left_out: set[str] = set()
        self._warned: set[str] = set()

    @override
    def records(self, rows: RawRows) -> Sequence[Record]:
        if isinstance(rows, msgspec.Raw):
            try:
                prepared = [self._with_fields(row) for row in msgspec.json.decode(rows)]
                rows = msgspec.Raw(msgspec.json.encode(prepared))
            except (msgspec.MsgspecError, RecursionError, TypeError):
                rows = decoded(rows)
            else:
                return super().records(rows)
        return super().records([self._with_fields(row) for row in rows])

    def _with_fields(self, row: Any) -> Any:
        values = row.get("custom_fields") if isinstance(row, dict) else None
        if isinstance(values, list):
            objects = [value for value in values if isinstance(value, dict)]
            row = {**row, BY_NAME: self._fields.of(objects, self._properties)}
            self._left_out |= {*map(key_of, objects)} - self._known
        return row

    @override
    def report(self, logger: logging.Logger) -> None:
        """Warn as of all rows, and of the fields whose values are left out, once for each field."""
        super().report(logger)
        if left_out := self._left_out - self._warned:
            self._warned |= left_out
            logger.warning(
                "%s: %s has no custom fields that the account does not define any more or that the "
                "catalog does not have: %s. For new fields, run --discover again",
                self._stream,
                BY_NAME,
                some({printable(self._fields.names.get(key, key)) for key in left_out}),
            )


def key_of(value: Mapping[str, Any]) -> str:
    """Return the key of the field that a value belongs to."""
    return storable(str(value.get("custom_field_id") or ""))


def _age(definition: Record) -> tuple[str, str]:
    return definition.get("created_at") or "", definition["custom_field_id"]


def _choice(choice_id: Any) -> str:
    """Return the key of a choice without the zeros that contacts' rows put before it."""
    return str(choice_id).strip().lstrip("0")


def _chosen(labels: Mapping[str, str], value: Mapping[str, Any], schema: Mapping[str, Any]) -> Any:
    """Return the labels of the choices made in a select field."""
    given = value.get("choice_ids")
    if given is None and value.get("value") not in (None, ""):
        given = [value["value"]]
    if given is None:
        return None
    if not isinstance(given, list):
        return UNFIT
    told = [storable(one) if isinstance(one, str) else one for one in given]
    chosen = [labels.get(_choice(one), one if one in labels.values() else UNFIT) for one in told]
    if "items" in schema:
        return chosen
    return chosen[0] if len(chosen) == 1 else chosen or None


def _fitted(value: Any, schema: Mapping[str, Any]) -> Any:
    """Convert a text to the type that its field declares, or return what will be left empty."""
    if value in (None, ""):
        return None
    if schema.get("format") == "date-time":
        return value if _has_offset(str(value)) else UNFIT
    for name in ("boolean", "integer", "number"):
        if name in schema.get("type", ()):
            try:
                return READERS[name](value)
            except UnfitError:
                return UNFIT
    return value
