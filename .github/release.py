"""What a release needs beside the tests.

python .github/release.py check WHEEL TAG   # refuse a wheel that is not to be released
python .github/release.py hub DEFINITION    # print the definition for MeltanoHub, blanks filled

Both take the project's public address from the environment variable PROJECT_ADDRESS.
"""

from __future__ import annotations

import os
import re
import sys
from email import message_from_string
from email.message import Message
from pathlib import Path
from zipfile import ZipFile


def main(command: str, file: str, tag: str = "") -> None:
    """Run a command.

    Raises:
        SystemExit: There is no address, or the wheel is not to be released.
    """
    address = os.environ.get("PROJECT_ADDRESS")
    if not address:
        raise SystemExit("PROJECT_ADDRESS is not set.")
    if command == "hub":
        sys.stdout.write(definition(Path(file).read_text("utf-8"), address))
    elif faults := faults_of(metadata_of(file), tag, address):
        raise SystemExit("\n".join(faults))


def metadata_of(wheel: str) -> Message:
    """Return the metadata of a wheel."""
    with ZipFile(wheel) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_string(archive.read(path).decode("utf-8"))


def faults_of(metadata: Message, tag: str, address: str) -> list[str]:
    """Return the reasons why a wheel is not to be released under a tag."""
    faults = []
    if tag != f"v{metadata['Version']}":
        faults.append(f"The wheel's version is {metadata['Version']}, and the tag is {tag}.")
    if f"Repository, {address}" not in metadata.get_all("Project-URL", []):
        faults.append(f"The wheel was built without PROJECT_ADDRESS={address}.")
    return faults


def definition(text: str, address: str) -> str:
    """Return the definition for MeltanoHub with the address and its owner in it."""
    owner = address.split("/")[-2].lower()
    return re.sub(r"(?m)^repo:.*$", f"repo: {address}", text).replace("<OWNER>", owner)


if __name__ == "__main__":
    main(*sys.argv[1:])
