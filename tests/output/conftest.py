"""A small account, as these tests are about how it is read and not about what is in it."""

from __future__ import annotations

import pytest

from tap_constantcontact.sandbox.account import Account
from tests.harness import young


@pytest.fixture
def account() -> Account:
    return young(20)
