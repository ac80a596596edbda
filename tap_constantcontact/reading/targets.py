"""What a report requests for each parent: one list of rows, or one for each of its parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from tap_constantcontact.reading.parts import PartType
from tap_constantcontact.run import Run

Keys = Mapping[str, str]

KIND = "kind"
"""Name of the kind of a list among the keys that name it."""


@dataclass(frozen=True)
class PerParent:
    """One list of rows per parent."""

    requests: ClassVar[int] = 1
    """Minimum number of requests per parent."""

    def lists(self, run: Run, parent: Keys, after: str | None) -> Iterable[Keys]:  # noqa: ARG002
        """Return what names each list of a parent's rows; those that come after a part, if given.

        An unknown parent has none.
        """
        return [parent]

    def part(self, keys: Keys) -> str | None:  # noqa: ARG002
        """Return the part that some keys name, if they name one."""
        return None


@dataclass(frozen=True)
class PerPart(PerParent):
    """One list of rows per part of a parent. A part that the API does not know is skipped.

    Attributes:
        parts: The type of the parts.
        kinds: Names of the lists of each part, if there are several; each is written by itself.
    """

    parts: PartType
    kinds: tuple[str, ...] = ()
    requests: ClassVar[int] = 2

    @override
    def lists(self, run: Run, parent: Keys, after: str | None) -> Iterable[Keys]:
        (parent_id,) = parent.values()
        part_ids = self.parts.keys(run, parent_id)
        if part_ids is None:
            run.progress.skip()
            return []
        lists: list[Keys] = [{**parent, self.parts.key: part_id} for part_id in part_ids]
        if self.kinds:
            lists = [{**keys, KIND: kind} for keys in lists for kind in self.kinds]
        names = [*map(self.part, lists)]
        return lists[names.index(after) + 1 :] if after in names else lists

    @override
    def part(self, keys: Keys) -> str | None:
        return " ".join(keys[name] for name in (self.parts.key, KIND) if name in keys)
