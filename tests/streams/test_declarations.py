"""What a stream may declare is said on one page, or by the way of reading that asks for it."""

from __future__ import annotations

from inspect import get_annotations

import pytest

from tap_constantcontact import streams
from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.streams import FROM_CAMPAIGNS, STREAMS

PACKAGE = "tap_constantcontact."
CLASSES = [
    part
    for part in {part: None for one in (*STREAMS, *FROM_CAMPAIGNS.values()) for part in one.__mro__}
    if part.__module__.startswith((f"{PACKAGE}reading.", f"{PACKAGE}client"))
]


@pytest.mark.parametrize("part", CLASSES, ids=lambda part: part.__name__)
def test_each_attribute_that_a_stream_may_declare_is_explained(part: type) -> None:
    page = streams.__doc__ if part is ConstantContactStream else part.__doc__
    declared = {name for name in get_annotations(part) if not name.startswith("_")}
    assert {name for name in declared if f"{name}:" not in f"{page}".replace(",", ":")} == set()


def test_the_page_names_each_way_of_reading() -> None:
    ways = {part for part in CLASSES if part.__base__ is ConstantContactStream}
    page = str(streams.__doc__)
    assert {way.__name__ for way in ways if f"`{way.__name__}`" not in page} == set()
