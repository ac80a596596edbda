"""The tree of errors, and the one plain line of each."""

from __future__ import annotations

import re

import pytest
import requests

from tap_constantcontact import exceptions
from tap_constantcontact.exceptions import (
    ConfigValidationError,
    ForbiddenError,
    LimitReachedError,
    ThrottledError,
    exits_with_a_message,
    refused,
)

TREE = re.compile(r"( {4}| {6})(\w+Error) ").match

SECRET = "https://ada:hush@example.com/token"


def test_the_tree_at_the_head_is_that_of_the_classes() -> None:
    drawn: dict[str, str] = {}
    above = ""
    for indent, name in re.findall(
        r"^( {4}| {6})(\w+Error) ", str(exceptions.__doc__), re.MULTILINE
    ):
        above = above if len(indent) > 4 else name
        drawn[name] = above
    classes = {
        name: one
        for name, one in vars(exceptions).items()
        if isinstance(one, type) and issubclass(one, Exception)
    }
    assert drawn == {
        name: next((each.__name__ for each in one.__mro__[1:] if each.__name__ in classes), name)
        for name, one in classes.items()
    }


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (refused("a is missing", "b is\nodd"), "a is missing; b is\\nodd."),
        (ConfigValidationError("it is not JSON"), "it is not JSON."),
        (ForbiddenError("Constant Contact forbids it."), "Constant Contact forbids it."),
        (LimitReachedError("The budget is used up"), "The budget is used up"),
        (ThrottledError("HTTP 429"), "did not answer for minutes (HTTP 429). Try again later."),
        (requests.ConnectTimeout(SECRET), "for minutes (no answer in time). Try again later."),
        (requests.exceptions.InvalidHeader(SECRET), "(its answer cannot be read)"),
    ],
)
def test_a_failure_that_ends_a_command_is_one_plain_line(error: Exception, line: str) -> None:
    said: list[str] = []
    with pytest.raises(SystemExit) as ended, exits_with_a_message(said.append):
        raise error
    assert ended.value.code == 1
    assert len(said) == 1
    assert line in said[0]
    assert said[0].isprintable()
    assert "hush" not in said[0]


def test_a_fault_in_the_code_is_no_plain_line() -> None:
    with pytest.raises(KeyError), exits_with_a_message(pytest.fail):
        raise KeyError("a")
