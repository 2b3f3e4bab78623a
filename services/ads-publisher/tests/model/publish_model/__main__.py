"""Print what the walks find: `python -m publish_model`, in the folder above."""

import time

from publish_model.explorer import MAX_ROWS, explore
from publish_model.rules import Rules
from publish_model.scenarios import DELETED_AND_KILLED, FULL, REMOVALS
from publish_model.world import World


def main() -> None:
    for name, world in FULL.items():
        _show(name, world, Rules())
    for name, removal in REMOVALS.items():
        _show(name, removal.world, removal.rules, removal.max_rows)
    for below in (False, True):
        _show(f"deleted and killed, gone_below={below}", DELETED_AND_KILLED, Rules(gone_below=below))


def _show(name: str, world: World, rules: Rules, max_rows: int = MAX_ROWS) -> None:
    began = time.perf_counter()
    found = explore(world, rules, max_rows=max_rows)
    seconds = time.perf_counter() - began
    print(f"{name:54}{found.states:8} states {len(found.ends):5} ends {found.cut:5} cut {seconds:5.1f} s")
    if found.bad:
        print(f"    {found.bad}\n    " + " > ".join(found.trace))


main()
