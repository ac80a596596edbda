"""The vocabulary of schemas: one function for each kind of field.

Example:
    >>> tag = schema(key("tag_id", "Key of the tag."), text("name", "Name of the tag."))
    >>> tag["properties"]["name"]["type"], tag["required"]
    (['string', 'null'], ['tag_id'])
"""

from __future__ import annotations

from typing import Any

from singer_sdk import typing as th

from tap_constantcontact.config.validation import INTEGERS

Field = th.Property[Any]

INTEGER_64 = th.IntegerType(minimum=INTEGERS.start, maximum=INTEGERS.stop - 1)
"""A whole number; targets choose the type of a column by its bounds."""


def schema(*fields: Field) -> dict[str, Any]:
    """Return the JSON schema of a record with these fields."""
    return th.PropertiesList(*fields).to_dict()


def key(name: str, description: str) -> Field:
    """A text that is part of the primary key, so never null."""
    return th.Property(name, th.StringType, required=True, description=description)


def number_key(name: str, description: str) -> Field:
    """An integer that is part of the primary key, so never null."""
    return th.Property(name, INTEGER_64, required=True, description=description)


def instant_key(name: str, description: str) -> Field:
    """A date-time that is part of the primary key, so never null."""
    return th.Property(name, th.DateTimeType, required=True, description=description)


def text(name: str, description: str) -> Field:
    """A text."""
    return th.Property(name, th.StringType, description=description)


def integer(name: str, description: str) -> Field:
    """An integer."""
    return th.Property(name, INTEGER_64, description=description)


def number(name: str, description: str) -> Field:
    """A number that need not be whole."""
    return th.Property(name, th.NumberType, description=description)


def flag(name: str, description: str) -> Field:
    """True or false."""
    return th.Property(name, th.BooleanType, description=description)


def instant(name: str, description: str) -> Field:
    """A date-time; it leaves the tap as RFC 3339 in UTC."""
    return th.Property(name, th.DateTimeType, description=description)


def integers(name: str, description: str) -> Field:
    """An array of integers."""
    return th.Property(name, th.ArrayType(INTEGER_64), description=description)


def texts(name: str, description: str) -> Field:
    """An array of texts."""
    return th.Property(name, th.ArrayType(th.StringType), description=description)


def structure(name: str, description: str, *fields: Field) -> Field:
    """An object with these fields."""
    return th.Property(name, th.ObjectType(*fields), description=description)


def structures(name: str, description: str, *fields: Field) -> Field:
    """An array of objects with these fields."""
    return th.Property(name, th.ArrayType(th.ObjectType(*fields)), description=description)
