"""Checks of the settings by their JSON schema, in messages that quote no value of a secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR

from tap_constantcontact.exceptions import nearest

if TYPE_CHECKING:
    from jsonschema import ValidationError

INTEGERS = range(-(2**63), 2**63)
"""Integers that any target can be expected to store: 64 bits, signed."""

KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}
"""What a value must be, by the name of its JSON type."""

BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}
"""How a number must compare with a bound, by the keyword of the JSON schema."""


def type_faults(config: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each value that the JSON schema of the configuration refuses.

    Args:
        config: Settings whose names are known.
        schema: The JSON schema.
    """
    for error in DEFAULT_JSONSCHEMA_VALIDATOR(schema).iter_errors(dict(config)):
        yield _type_fault(error, schema["properties"])
    for name, value in config.items():
        is_number = isinstance(value, (int, float))
        if is_number and not INTEGERS.start <= value < INTEGERS.stop:
            yield f"{name} is too large a number"


def _type_fault(error: ValidationError, properties: Mapping[str, Any]) -> str:
    while error.context:  # of several forms, the one in which the fault lies deepest
        error = max(error.context, key=lambda one: len(one.absolute_path))
    setting, *within = map(str, error.absolute_path)
    name = ".".join([setting, *(part[:100] for part in within)]).encode("unicode_escape").decode()
    allowed: Any = error.validator_value
    if error.validator == "type":
        kinds = [allowed] if isinstance(allowed, str) else allowed
        return f"{name} must be {' or '.join(KINDS[kind] for kind in kinds if kind in KINDS)}"
    if error.validator in BOUNDS:
        return f"{name} must be {BOUNDS[error.validator]} {allowed}"
    if error.validator == "enum":
        choices = [choice for choice in allowed if choice is not None]
        given = ""
        if isinstance(error.instance, str) and not properties[setting].get("secret"):
            given = f" {error.instance[:100]!r}{nearest(error.instance, choices)}"
        return f"{name}{given} must be one of {', '.join(choices)}"
    return f"{name} has a value that is not allowed"
