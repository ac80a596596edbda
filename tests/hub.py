"""The tap's definition on MeltanoHub, which tells Meltano of the tap.

It is sent to https://github.com/meltano/hub, whose `schemas/plugin_definitions/` say what it may
contain: no `load_schema`, so that the next steps have a command instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tap_constantcontact.streams.contacts import CONTACTS
from tap_constantcontact.tap import TapConstantContact
from tests.parameters import parents_of
from tests.plugin import dumped, parts, selection

OWNER = "<OWNER>"
"""What stands for the owner of the project's repository."""

COMMENT = f"""\
# The definition of this tap for MeltanoHub. Generated: change tests/hub.py or what it reads, then
# run python -m tests.generate. To send it to MeltanoHub, replace {OWNER} with the owner of the
# repository, in small letters, and save it there as
# _data/meltano/extractors/tap-constantcontact/{OWNER}.yml
"""

PREREQ = """\
#### An application at Constant Contact

In Constant Contact's [developer portal](https://v3.developer.constantcontact.com), register an
application:

- To sign in with a browser on the machine that runs Meltano, give it the redirect address
  `http://localhost:8912/callback`. To sign in on another machine, choose the device flow.
- Choose *rotating* refresh tokens, or *long lived* ones if the tap will run where it cannot keep a
  file.

Its API key is the setting `client_id`. If the application has a secret, that is `client_secret`.

To try the tap without an account, set `sandbox` to `true` instead: it then reads one that is built
in.
"""

NEXT_STEPS = """\
1. Set the API key of your application:

   ```bash
   meltano config set tap-constantcontact client_id YOUR_API_KEY
   ```

2. Sign in, once. The tokens are kept in a file, and the tap renews them by itself:

   ```bash
   meltano invoke tap-constantcontact:login         # with a browser on this machine
   meltano invoke tap-constantcontact:login-device  # with a browser on any machine
   ```

   Do so before you set `custom_fields_by_name`: Meltano discovers the streams before it runs a
   command, and with that setting, the tap needs its tokens for this.

3. See which streams you may read, and what a first run would cost:

   ```bash
   meltano invoke tap-constantcontact:check
   meltano invoke tap-constantcontact:estimate
   ```

4. Choose the schema that a database gets the tables in; without this, it is `tap_constantcontact`:

   ```bash
   meltano config set tap-constantcontact _load_schema constantcontact
   ```

5. Add a loader, and run:

   ```bash
   meltano add target-jsonl
   meltano run tap-constantcontact target-jsonl
   ```
"""

USAGE = """\
### What a run costs

A key of Constant Contact may send 10,000 requests a day. When they are used up, a run stops, and
the next one resumes from there.

The streams selected here take few requests: one for 500 contacts, and three for an e-mail campaign
that has changed. Not selected are {costly}: they take a request or more for each contact.

A selection of your own takes the place of this one, so name all streams that you want:

```bash
{commands}
```

With the setting `report_source` at `campaigns`, the two reports on contacts come from the events of
campaigns, and take a request for 500 events.

### Without a file of tokens

Where files are lost after a run, choose long lived refresh tokens, run
`tap-constantcontact-login --show` once on any machine, and set `refresh_token`, and `client_secret`
if there is one, to what it prints.
"""


def definition(settings: Mapping[str, Any], streams: Iterable[Any]) -> str:
    """Return the definition, in the order and form in which MeltanoHub keeps it.

    Args:
        settings: JSON schema of the tap's own settings.
        streams: The classes of the streams.
    """
    default = [stream for stream in streams if stream.selected_by_default]
    costly = [stream.name for stream in default if _costs_a_request_per_contact(stream)]
    selected = [stream for stream in default if stream.name not in costly]
    wanted = ("contacts", *costly)
    about = parts(settings)
    content = {
        **about,
        "description": "E-mail marketing",
        "domain_url": "https://www.constantcontact.com",
        "executable": TapConstantContact.name,
        "keywords": ["api", "meltano_sdk"],
        "label": "Constant Contact",
        "logo_url": "/assets/logos/extractors/constantcontact.png",
        "maintenance_status": "beta",
        "name": TapConstantContact.name,
        "namespace": TapConstantContact.name.replace("-", "_"),
        "next_steps": NEXT_STEPS,
        "pip_url": f"{TapConstantContact.name}[sandbox]",
        "prereq": PREREQ,
        "quality": "unknown",  # the Hub rates it
        "repo": f"https://github.com/{OWNER}/{TapConstantContact.name}",
        "select": selection(selected),
        # Meltano writes another kind, but the Hub's other definitions have this one.
        "settings": [
            {**setting, "kind": "password"} if setting.get("sensitive") else setting
            for setting in about["settings"]
        ],
        "supported_python_versions": TapConstantContact.get_supported_python_versions(),
        "usage": USAGE.format(
            costly=" and ".join(f"`{name}`" for name in costly),
            commands="\n".join(f"meltano select tap-constantcontact {name} '*'" for name in wanted),
        ),
        "variant": OWNER,
    }
    return COMMENT + dumped(content, sort_keys=True, width=96)


def _costs_a_request_per_contact(stream: Any) -> bool:
    return parents_of(stream) is CONTACTS
