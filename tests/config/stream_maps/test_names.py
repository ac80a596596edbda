"""Names in stream maps that stand for nothing are refused, with the nearest that is known.

A map of a misspelt name would leave what it is to remove in every record.
"""

from __future__ import annotations

import copy
import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_constantcontact.exceptions import ConfigValidationError
from tap_constantcontact.streams import DECLARED
from tap_constantcontact.tap import TapConstantContact
from tests.catalogs import select
from tests.parameters import NAMES
from tests.runs import Runner

pytestmark = pytest.mark.contacts(6, young=True)

CONFIG = {"access_token": "t"}
WHOLE: dict[str, Any] = json.loads(TapConstantContact(config=CONFIG).catalog_json_text)


def set_up(maps: Any, catalog: Any = None, **settings: Any) -> TapConstantContact:
    config = {**CONFIG, "stream_maps": copy.deepcopy(maps), **settings}
    return TapConstantContact(config=config, catalog=copy.deepcopy(catalog))


def errors_of(maps: Any, **settings: Any) -> str:
    with pytest.raises(ConfigValidationError) as caught:
        set_up(maps, **settings)
    return "; ".join(caught.value.errors)


FLAT = {"flattening_enabled": True, "flattening_max_depth": 1}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a stream": ({"contacs": {"email_address": None}}, "'contacs' (did you mean contacts?)"),
    "a stream that is left out": ({"contacs": None}, "'contacs' (did you mean contacts?)"),
    "a pattern": ({"contacs*": {"email_address": None}}, "no stream 'contacs*'"),
    "a source": ({"people": {"__source__": "contact"}}, "no stream 'contact'"),
    "a property": (
        {"contacts": {"email_adress": None}},
        "no property 'email_adress' to remove (did you mean email_address?)",
    ),
    "a property, by its text": ({"contacts": {"email_adress": "__NULL__"}}, "email_address?"),
    "a property of many streams": ({"contact*": {"email_adress": None}}, "email_address?"),
    "a property of an object": ({"contacts": {"email_address.address": None}}, "no property"),
    "an option": ({"contacts": {"__filtr__": "True"}}, "'__filtr__' (did you mean __filter__?)"),
    "an option of all": ({"__els__": None}, "'__els__' (did you mean __else__?)"),
    "two ways": ({"contacts": {"__source__": "contacts", "__alias__": "a"}}, "contradict"),
    "an alias that is no text": ({"contacts": {"__alias__": "1"}}, "__alias__ is not a valid name"),
    "a key": ({"contacts": {"__key_properties__": ["contactid"]}}, "(did you mean contact_id?)"),
    "a part of a record": (
        {"contacts": {"a": "record['email_adress']"}},
        "'email_adress' is not defined (did you mean email_address?)",
    ),
    "a part that may be missing": ({"contacts": {"a": "_.get('email_adress')"}}, "email_address?"),
    "a part of a part": (
        {"contacts": {"a": "record.get('email_address').get('adress')"}},
        "'adress' is not defined (did you mean address?)",
    ),
    "a part of what is replaced": ({"contacts": {"email_address": "self['adress']"}}, "address?"),
    "a part in a test": ({"contacts": {"a": "1 if 'emial' in record else 0"}}, "'emial'"),
    "a name that is hardly evaluated": (
        {"contacts": {"a": "1 if contact_id else frist_name"}},
        "'frist_name' is not defined (did you mean first_name?)",
    ),
    "a part in a filter": ({"contacts": {"__filter__": "record['emial'] == 1"}}, "'emial'"),
    "a setting": ({"contacts": {"a": "config['peper']"}}, "'peper' is not defined"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_name_that_stands_for_nothing_is_refused(name: str) -> None:
    maps, said = REFUSED[name]
    assert said in errors_of(maps)


def test_maps_come_before_flattening() -> None:
    flat = {"contacts": {"email_address__address": None}}
    assert "no property 'email_address__address'" in errors_of(flat, **FLAT)
    set_up({"contacts": {"email_address": None}}, **FLAT)


TAKEN: dict[str, dict[str, Any]] = {
    "a pattern": {"contact*": {"email_address": None}},
    "a pattern of one letter": {"contact?": {"email_address": None}},
    "a new column": {"contacts": {"email_hash": "md5(contact_id)"}},
    "no key": {"contacts": {"__key_properties__": None, "contact_id": None}},
    "another key": {"contacts": {"__key_properties__": ["key"], "key": "str(contact_id)"}},
    "a copy": {"people": {"__source__": "contacts", "email_address": None}},
    "all others left out": {"__else__": None, "contacts": {"email_address": None}},
    "items of a list": {"contacts": {"a": "[note['content'] for note in (notes or [])]"}},
    "methods of an object": {"contacts": {"a": "str(email_address.items())"}},
    "a setting that may be missing": {"contacts": {"a": "config.get('pepper')"}},
    "a stream that is not selected": {"email_opens": {"email_address": None}},
    "a pattern of streams that are not selected": {"email_o*": {"email_address": None}},
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_map_of_existing_properties_is_taken(name: str, caplog: pytest.LogCaptureFixture) -> None:
    set_up(TAKEN[name])
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_new_column_named_like_a_property_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    set_up({"contacts": {"email_adress": "md5(contact_id)"}})
    (warning,) = (one for one in caplog.records if one.levelno == logging.WARNING)
    assert "adds a column 'email_adress', and leaves the property 'email_address'" in (
        warning.getMessage()
    )


def test_a_map_rests_while_its_stream_is_not_selected() -> None:
    catalog = copy.deepcopy(WHOLE)
    select(catalog, {"contact_lists"})
    for entry in catalog["streams"]:
        for part in entry["metadata"]:
            # As Meltano deselects a stream.
            part["metadata"].setdefault("selected", entry["tap_stream_id"] == "contact_lists")
    recipe = {"hash": "md5(record['email_address']['address'])", "email_address": None}
    set_up({"contacts": recipe}, catalog)


def test_a_map_that_removes_the_replication_key_leaves_no_bookmark_property(
    run: Runner,
) -> None:
    result = run(streams="contacts", stream_maps={"contacts": {"updated_at": None}})
    (schema,) = (line for line in result.lines if line["type"] == "SCHEMA")
    assert "updated_at" not in schema["schema"]["properties"]
    assert not schema.get("bookmark_properties")


def test_a_map_without_keys_has_an_empty_list_of_them(run: Runner) -> None:
    result = run(streams="contacts", stream_maps={"contacts": {"__key_properties__": None}})
    assert [line["key_properties"] for line in result.lines if line["type"] == "SCHEMA"] == [[]]


PROPERTIES = [*DECLARED["contacts"].schema["properties"]]
MISSPELT = st.tuples(
    st.sampled_from([*PROPERTIES, "__filter__", "__else__"]),
    st.integers(0, 30),
    st.text("ae_", max_size=1),
).map(lambda drawn: drawn[0][: drawn[1]] + drawn[2] + drawn[0][drawn[1] + 1 :])
VALUES = st.none() | st.sampled_from(["__NULL__", "self", "record", "1", "md5(", "nmae", ""])
ANY = st.recursive(
    VALUES | st.booleans() | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(
    maps=st.dictionaries(
        st.sampled_from([*NAMES, "contact*", "x", "__else__"]),
        st.dictionaries(MISSPELT | st.sampled_from(PROPERTIES), VALUES | ANY, max_size=3) | ANY,
        max_size=2,
    )
    | ANY
)
def test_any_json_as_stream_maps_is_used_or_refused(maps: Any) -> None:
    try:
        tap = set_up(maps)
    except ConfigValidationError as error:
        said = "; ".join(error.errors)
    else:
        said = "used"
        (primary, *_) = tap.mapper.stream_maps["contacts"]
        definition = maps.get("contacts") if isinstance(maps, dict) else None
        for name, value in (definition or {}).items() if isinstance(definition, dict) else ():
            if value in (None, "__NULL__") and not name.startswith("__"):
                assert name in PROPERTIES
                assert name not in primary.transformed_schema["properties"]
    assert said.isprintable()
