"""The SDK's own tests of a tap."""

from singer_sdk.testing import get_tap_test_class

from tap_constantcontact.tap import TapConstantContact

TestTap = get_tap_test_class(TapConstantContact, config={"sandbox": True})
