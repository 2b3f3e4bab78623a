"""The whole state as JSON, so that a restarted sandbox still knows its logins, campaigns and ledger.

Login codes and armed faults are left out: both belong to the moment. The file holds tokens, so only its owner
may read it.
"""

import asyncio
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from graph_sandbox.personas import Account
from graph_sandbox.state import AdObject, Label, Settings, Token, World

FORMAT = 1
SAVE_SECONDS = 1.0
"""How often the state is looked at for saving; what a killed sandbox may lose."""


def take_snapshot(world: World) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "settings": asdict(world.settings),
        "owned": {person.key: list(person.account_ids) for person in world.personas.values()},
        "accounts": [asdict(account) for account in world.accounts.values()],
        "tokens": [asdict(token) for token in world.tokens.values()],
        "grants": world.grants,
        "labels": [asdict(label) for label in world.labels.values()],
        "objects": [asdict(one) for one in world.objects.values()],
        "ledger": world.ledger.dump(),
    }


def restore_snapshot(world: World, saved: dict[str, Any]) -> None:
    """Put the world back to what was saved.

    Raises:
        ValueError, KeyError, TypeError: it is no snapshot, or one of another format.
    """
    if saved.get("format") != FORMAT:
        raise ValueError(f"snapshot format {saved.get('format')} is not {FORMAT}")
    settings = Settings(**saved["settings"])
    accounts = {row["account_id"]: Account(**row) for row in saved["accounts"]}
    tokens = {row["value"]: Token(**row) for row in saved["tokens"]}
    labels = [Label(**row) for row in saved["labels"]]
    objects = [AdObject(**row) for row in saved["objects"]]
    grants, ledger, owned = dict(saved["grants"]), dict(saved["ledger"]), dict(saved.get("owned", {}))
    settings.deauthorize_url = world.app.deauthorize_url or settings.deauthorize_url
    settings.data_deletion_url = world.app.data_deletion_url or settings.data_deletion_url
    # Only from here on is anything changed: what is no snapshot leaves the world as it was.
    world.reset()
    world.settings, world.tokens, world.grants = settings, tokens, grants
    world.accounts |= accounts
    for key, account_ids in owned.items():
        world.give_accounts(key, tuple(account_ids))
    for label in labels:
        world.labels[label.label_id] = label
        world.label_names[label.account_id, label.name] = label.label_id
    for one in objects:
        world.objects[one.object_id] = one
        world.by_account.setdefault((one.account_id, one.kind), []).append(one.object_id)
    world.ledger.load(ledger)


def load_file(world: World, path: Path) -> None:
    """Restore from the file if it is there.

    Raises:
        ValueError: something else is in it.
    """
    try:
        restore_snapshot(world, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} does not hold the state of a sandbox: {error}") from error


def save_file(world: World, path: Path) -> None:
    """Replace the file in one step, so that a crash leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    with os.fdopen(
        os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as file:
        json.dump(take_snapshot(world), file)
    fresh.replace(path)


async def keep_saved(world: World, path: Path) -> None:
    """Save whenever a call or somebody at `/_sandbox` has changed something, until cancelled."""
    saved = world.ledger.last_seq, world.driven
    while True:
        await asyncio.sleep(SAVE_SECONDS)
        now = world.ledger.last_seq, world.driven
        if now != saved:
            saved = now
            save_file(world, path)
