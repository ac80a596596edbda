"""The replacement of every value in recorded answers by another one of its kind.

What replaces a value is drawn by chance, once, and nothing but this object knows for what: it
cannot be computed from the value, so no guess can be confirmed. What was equal stays equal. A text
keeps its length, and each of its characters its kind: a letter becomes a letter, a digit a digit. A
number keeps its digits' number. All times are moved by one number of minutes. What is drawn shares
no four characters in a row with anything that it replaces, unless there is too much of that.
"""

from __future__ import annotations

import random
import re
import string
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from tap_constantcontact.commands.record.places import mapped
from tap_constantcontact.commands.record.vocabulary import KNOWN_NAMES, WORDS

IN_A_ROW = 4
"""Number of characters in a row that count as a trace of a value."""

DRAWS = 60
"""How often something else is drawn before a trace is left."""

FIRST_YEAR = 1900
"""The first year of dates that are moved; older ones are replaced as texts."""

MOST_YEARS = 200
MINUTES_A_YEAR = 525_960

_DATE = re.compile(
    r"(?P<moment>\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?)(\.\d{1,3})?( ?(Z|[+-]\d\d:?\d\d))?"
)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FORM_OF_ID = (8, 13, 14, 18, 19, 23)
"""Places of the dashes of an id, and of its version and variant."""

_NUMBER = re.compile(r"\d+\.\d+|[1-9]\d*")
_SCHEME = re.compile(r"https?://")
_IDENTIFIER = re.compile(r"(?!.*\d{3})(?!.{41})_?[a-z][a-z0-9]*(_[a-z0-9]+)*")
_ACCENTED = "éàüöñçêîôûæøåãõ"
_LATIN = 0x250
_HEX = "0123456789abcdef"
_BLANK = " \n\t\r_"


class Replacement:
    """Replaces the values of some answers, all of which it must be told first.

    Attributes:
        unknown_names: Names of fields that this version does not know, and that stay.
    """

    def __init__(
        self, answers: Sequence[Mapping[str, Any]], chance: random.Random | None = None
    ) -> None:
        self._chance = chance or random.SystemRandom()
        self._traces: set[str] = set()
        self._replaced: dict[str, str] = {}
        self._used: set[str] = set()
        self._years: set[int] = set()
        self.unknown_names: set[str] = set()
        texts: set[str] = set()

        def note(text: str) -> str:
            texts.add(text)
            return text

        for answer in answers:
            mapped(answer, note, lambda name: name if _is_name(name) else note(name))
        for text in texts.union(*(answer["headers"].values() for answer in answers)):
            self._learn(text)
        self._traces -= {trace for word in WORDS for trace in traces(word)}
        self._told = "\n".join(texts).casefold()
        self._shift = self._drawn_shift()

    def of(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Return an answer with all values replaced."""
        return mapped(answer, self._other, self._name)

    def _learn(self, text: str) -> None:
        if found := _moment_in(text):
            at, _ = found
            self._years.add(at.year)
            self._traces.add(text[:IN_A_ROW])
        else:
            groups = text.split("-") if _ID.fullmatch(text) else (text,)
            self._traces |= {trace for group in groups for trace in traces(group)}

    def _name(self, name: str) -> str:
        """Return the name of a field: one that looks like no value stays."""
        if name in KNOWN_NAMES:
            return name
        if not _is_name(name) or name in self._told:
            return self._other(name)
        self.unknown_names.add(name)
        return name

    # What takes their place

    def _other(self, text: str) -> str:
        if text not in self._replaced:
            self._replaced[text] = self._draw(text)
        return self._replaced[text]

    def _draw(self, text: str) -> str:
        if found := _moment_in(text):
            at, end = found
            moved = (at + self._shift).isoformat(text[10:11] or "T", "seconds")
            return moved[:end] + text[end:]
        if _ID.fullmatch(text):
            return self._like(text, _FORM_OF_ID, _HEX)
        if scheme := _SCHEME.match(text):
            return self._like(text, range(scheme.end()))
        if _NUMBER.fullmatch(text):
            return self._like(text, [text.find(".")], not_at_first="0")
        return self._like(text)

    def _like(
        self, text: str, fixed: Iterable[int] = (), digits: str = "", not_at_first: str = ""
    ) -> str:
        """Return a new text of a kind.

        Args:
            text: What it replaces.
            fixed: Places of characters that stay.
            digits: What letters and digits become; by default, those of their kind.
            not_at_first: Characters that it does not begin with.
        """
        drawn = text
        for _ in range(DRAWS):
            drawn = self._drawn(text, {*fixed}, digits, not_at_first)
            is_new = drawn not in self._used and (drawn != text or not any(map(str.isalnum, text)))
            if is_new and not traces(drawn) & self._traces:
                break
        self._used.add(drawn)
        return drawn

    def _drawn(self, text: str, fixed: set[int], digits: str, not_at_first: str) -> str:
        drawn = ""
        for place, character in enumerate(text):
            if place in fixed:
                drawn += character
                continue
            kind = digits if digits and character.isalnum() else _kind(character)
            # What separates words stays if it can.
            one = self._chance.choice(kind) if character.isalnum() else character
            for _ in range(DRAWS):
                is_trace = (drawn[1 - IN_A_ROW :] + one) in self._traces
                if not (is_trace or (not drawn and one in not_at_first)):
                    break
                one = self._chance.choice(kind)
            drawn += one
        return drawn

    def _drawn_shift(self) -> timedelta:
        """Return by how much to move times: by few years, to such as do not occur.

        The tap reads no report of a year before 1995, so a replay would miss what is moved there.
        """
        shift = timedelta()
        for years in range(1, MOST_YEARS):
            for _ in range(DRAWS):
                minutes = self._chance.randrange(MINUTES_A_YEAR)
                shift = -timedelta(minutes=years * MINUTES_A_YEAR + minutes)
                moved = {
                    str((datetime(year, month, 1) + shift).year)  # noqa: DTZ001 - of any time zone
                    for year in self._years
                    for month in (1, 12)
                }
                if not moved & self._traces:
                    return shift
        return shift


def _is_name(text: str) -> bool:
    """Return whether a text looks like the name of a field, and like no value."""
    return text in KNOWN_NAMES or bool(_IDENTIFIER.fullmatch(text))


def traces(text: str) -> set[str]:
    """Return all parts of a text of which one would give it away.

    Example:
        >>> sorted(traces("Ada L."))
        ['Ada ', 'a L.', 'da L']
    """
    return {text[place : place + IN_A_ROW] for place in range(len(text) - IN_A_ROW + 1)}


@cache
def _kind(character: str) -> str:
    """Return the characters that may take a character's place."""
    for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits, _BLANK):
        if character in kind:
            return kind
    if character.isascii():
        return string.punctuation
    if character.isalpha() and ord(character) < _LATIN:
        return _ACCENTED if character.islower() else _ACCENTED.upper()
    block, category = ord(character) & ~0xFF, unicodedata.category(character)
    alike = [chr(number) for number in range(block, block + 256)]
    return "".join(one for one in alike if unicodedata.category(one) == category) + _ACCENTED


def _moment_in(text: str) -> tuple[datetime, int] | None:
    """Return a date or date-time that can be moved, and where its fraction and zone begin.

    Any other text has none.
    """
    form = _DATE.fullmatch(text)
    if form is None:
        return None
    try:
        at = datetime.fromisoformat(form["moment"])
    except ValueError:
        return None
    return (at, form.end("moment")) if at.year >= FIRST_YEAR else None
