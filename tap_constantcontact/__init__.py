"""A Singer tap for Constant Contact; in Python, `read` yields its records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tap_constantcontact.reader import read

__all__ = ["read"]


def __getattr__(name: str) -> Any:
    """Import `read` when it is used: most modules of the package do without."""
    if name in __all__:
        from tap_constantcontact import reader  # noqa: PLC0415 - when it is used

        return getattr(reader, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
