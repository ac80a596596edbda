"""New tokens on their way into the token file, which may have no room for them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import NamedTuple

from tap_constantcontact.auth.token_file import SIGN_IN, TokenFile
from tap_constantcontact.auth.tokens import Tokens
from tap_constantcontact.exceptions import ConfigValidationError, FatalAPIError, reason


class Unwritten(NamedTuple):
    """Tokens that could not be written, and the spent refresh token that the file has instead."""

    tokens: Tokens
    spent: str


class TokenWriter:
    """Writes new tokens to the token file, and has those in memory that cannot be written.

    Every method but `finish` is to be called under the file's lock. `stored` reads the file, or
    returns the configured tokens if it has none.
    """

    def __init__(self, file: TokenFile, stored: Callable[[], Tokens]) -> None:
        self._file = file
        self._stored = stored
        self._unwritten: Unwritten | None = None
        self._logger = logging.getLogger("tap-constantcontact")

    def newest(self) -> Tokens:
        """Return the file's tokens, or those in memory that replace them.

        If somebody has signed in since then, the file's are newer.
        """
        stored = self._stored()
        if self._unwritten and stored.refresh_token == self._unwritten.spent:
            return self._unwritten.tokens
        self._unwritten = None
        return stored

    def write(self, tokens: Tokens) -> None:
        """Write tokens whose refresh token is that of `newest`."""
        self._file.write(tokens)
        self._unwritten = None

    def replace(self, tokens: Tokens, refresh: Callable[[Tokens], Tokens]) -> Tokens:
        """Exchange a refresh token, and write the new tokens into room that was reserved before.

        If they cannot be written all the same, they are in memory alone.

        Raises:
            FatalAPIError: There is no room, so that a rotating token was not exchanged; or it was
                refused.
        """
        with ExitStack() as room:
            write: Callable[[Tokens], None] = self._file.write
            try:
                write = room.enter_context(self._file.reserved())
            except OSError as error:
                if tokens.rotates is not False and not self._unwritten:
                    raise FatalAPIError(
                        f"token_file {str(self._file.path)!r} cannot be written ({reason(error)}), "
                        "so its token was not renewed and still works. Make room, then run again "
                        "with the last state."
                    ) from error
            fresh = refresh(tokens)
            try:
                write(fresh)
            except OSError as error:
                self._note(tokens, fresh, reason(error))
            else:
                self._unwritten = None
        return fresh

    def _note(self, before: Tokens, after: Tokens, why: str) -> None:
        spent = self._unwritten.spent if self._unwritten else before.refresh_token
        if spent == after.refresh_token:
            return
        self._unwritten = Unwritten(after, spent)
        self._logger.warning(
            "The new tokens cannot be written to %s (%s), and those in it no longer work. This run "
            "goes on and tries again at its end: make room until then",
            self._file.path,
            why,
        )

    def finish(self) -> str | None:
        """Write tokens that could not be written before; to be called at the end of a run.

        Returns:
            What is lost and what to do, as sentences; None if nothing is lost.
        """
        if not self._unwritten:
            return None
        try:
            with self._file.lock:
                newest = self.newest()
                if self._unwritten:
                    self.write(newest)
        except OSError as error:
            why = reason(error)
        except (ConfigValidationError, FatalAPIError):
            why = "another program has changed or locked it"
        else:
            self._logger.info("The new tokens are in %s now", self._file.path)
            return None
        return (
            f"The refresh token in {str(self._file.path)!r} no longer works, and the new one could "
            f"not be written there ({why}). What was read is not lost. Make room, then {SIGN_IN}."
        )
