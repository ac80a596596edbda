"""A small account, as most of these tests read all of it."""

from __future__ import annotations

import pytest

from tap_constantcontact.sandbox.account import Account
from tests.harness import grown


@pytest.fixture
def account() -> Account:
    return grown(20)
