"""The tap as the SDK tests it, and what it needs of the SDK beyond its public names."""

from singer_sdk import Tap
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from tap_constantcontact.sandbox.data.basics import Seed
from tap_constantcontact.sandbox.data.landing_pages import page_ids
from tap_constantcontact.tap import TapConstantContact

CATALOG = TapConstantContact(config={}, validate_config=False, setup_mapper=False).catalog_dict
for stream in CATALOG["streams"]:
    for entry in stream["metadata"]:
        entry["metadata"]["selected"] = True

TestTap = get_tap_test_class(
    TapConstantContact,
    config={"sandbox": True, "landing_page_activity_ids": page_ids(Seed(1))},
    catalog=CATALOG,
    suite_config=SuiteConfig(
        # The first campaigns, of which a test reads two, have neither.
        ignore_no_records_for_streams=["email_non_opener_resends", "email_ab_tests"]
    ),
)


def test_each_private_member_that_is_used_still_exists_in_the_sdk() -> None:
    assert hasattr(Tap, "_handle_termination"), (
        "singer-sdk no longer has _handle_termination, which tap.py overrides: see what handles "
        "signals in its place, and adapt tap.py"
    )
