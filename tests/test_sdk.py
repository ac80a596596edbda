"""The SDK's own tests of a tap."""

from singer_sdk.testing import get_tap_test_class

from tap_constantcontact.tap import TapConstantContact

CATALOG = TapConstantContact(config={}, validate_config=False, setup_mapper=False).catalog_dict
for stream in CATALOG["streams"]:
    for entry in stream["metadata"]:
        entry["metadata"]["selected"] = True

TestTap = get_tap_test_class(TapConstantContact, config={"sandbox": True}, catalog=CATALOG)
