"""The vocabulary of schemas: one function for each kind of field, named after what it holds.

Each takes the field's name and description. A key is part of the primary key, so never null.

Example:
    >>> tag = schema(key("tag_id", "Key of the tag."), text("name", "Name of the tag."))
    >>> tag["properties"]["name"]["type"], tag["required"]
    (['string', 'null'], ['tag_id'])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from singer_sdk import typing as th

from tap_constantcontact.config.validation import INTEGERS

Field = th.Property[Any]

INTEGER_64 = th.IntegerType(minimum=INTEGERS.start, maximum=INTEGERS.stop - 1)
"""A whole number; targets choose the type of a column by its bounds."""


def schema(*fields: Field) -> dict[str, Any]:
    """Return the JSON schema of a record with these fields."""
    return th.PropertiesList(*fields).to_dict()


def _of(kind: Any, **options: Any) -> Callable[[str, str], Field]:
    return lambda name, description: th.Property(name, kind, description=description, **options)


key = _of(th.StringType, required=True)
number_key = _of(INTEGER_64, required=True)
instant_key = _of(th.DateTimeType, required=True)
text = _of(th.StringType)
texts = _of(th.ArrayType(th.StringType))
integer = _of(INTEGER_64)
integers = _of(th.ArrayType(INTEGER_64))
number = _of(th.NumberType)
flag = _of(th.BooleanType)
instant = _of(th.DateTimeType)
"""A date-time; it leaves the tap as RFC 3339 in UTC."""


def structure(name: str, description: str, *fields: Field) -> Field:
    """An object with these fields."""
    return th.Property(name, th.ObjectType(*fields), description=description)


def structures(name: str, description: str, *fields: Field) -> Field:
    """An array of objects with these fields."""
    return th.Property(name, th.ArrayType(th.ObjectType(*fields)), description=description)
