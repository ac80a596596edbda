"""Signing in as a person does, in Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from tests.auth.login.conftest import Start

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    if not CHROMIUM or not DRIVER:
        pytest.skip(
            "needs Chromium and its driver: install them, on Debian and Ubuntu with "
            "apt-get install chromium chromium-driver"
        )
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    browser.implicitly_wait(10)
    yield browser
    browser.quit()


def press(browser: webdriver.Chrome, decision: str) -> None:
    browser.find_element(By.CSS_SELECTOR, f"button[value={decision}]").click()


@pytest.mark.parametrize(
    ("decision", "title", "code"),
    [("allow", "You are signed in", 0), ("deny", "You are not signed in", 1)],
)
def test_a_person_decides_in_chromium(
    chromium: webdriver.Chrome, login: Start, decision: str, title: str, code: int
) -> None:
    process = login("--browser", "--port=0")
    chromium.get(process.opened())
    press(chromium, decision)
    assert process.end()[0] == code
    assert chromium.find_element(By.TAG_NAME, "h1").text == title
    assert process.tap().returncode == code


def test_a_person_enters_a_code_in_chromium(chromium: webdriver.Chrome, login: Start) -> None:
    process = login("--device")
    chromium.get(process.wait_for(r"Open   (\S+)"))
    field = chromium.find_element(By.NAME, "user_code")
    field.send_keys(process.wait_for(r"Enter  (\S+)").lower())
    field.submit()
    press(chromium, "allow")
    assert process.end()[0] == 0
    assert chromium.find_element(By.TAG_NAME, "h1").text == "Allowed"
    assert process.tap().returncode == 0
