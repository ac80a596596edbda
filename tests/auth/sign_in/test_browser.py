"""Signing in as a person does, in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from tests.auth.sign_in.conftest import Start
from tests.browser import CHROMIUM, DRIVER, chromium
from tests.parameters import partly_slow

pytestmark = pytest.mark.contacts(3, young=True)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    if not CHROMIUM or not DRIVER:
        pytest.skip(
            "needs Chromium and its driver: install them, on Debian and Ubuntu with "
            "apt-get install chromium chromium-driver"
        )
    with chromium(tmp_path / "profile") as running:
        yield running


def press(browser: webdriver.Chrome, decision: str) -> None:
    browser.find_element(By.CSS_SELECTOR, f"button[value={decision}]").click()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("decision", "title", "code"),
    partly_slow([("allow", "You are signed in", 0)], [("deny", "You are not signed in", 1)]),
)
def test_a_person_decides_in_chromium(
    browser: webdriver.Chrome, login: Start, decision: str, title: str, code: int
) -> None:
    process = login("--browser", "--port=0")
    browser.get(process.opened())
    press(browser, decision)
    assert process.end()[0] == code
    assert browser.find_element(By.TAG_NAME, "h1").text == title
    assert process.tap().returncode == code


@pytest.mark.slow
def test_a_person_enters_a_code_in_chromium(browser: webdriver.Chrome, login: Start) -> None:
    process = login("--device")
    browser.get(process.wait_for(r"Open   (\S+)"))
    field = browser.find_element(By.NAME, "user_code")
    field.send_keys(process.wait_for(r"Enter  (\S+)").lower())
    field.submit()
    press(browser, "allow")
    assert process.end()[0] == 0
    assert browser.find_element(By.TAG_NAME, "h1").text == "Allowed"
    assert process.tap().returncode == 0
