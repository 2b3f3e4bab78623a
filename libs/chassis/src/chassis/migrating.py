"""The schema of a service: Alembic brings it up to date."""

import time

from chassis.telemetry import get_logger

MIGRATION_LOCK_SECONDS = 2.0
"""Requests of the running code wait behind a migration that waits: so long they can, and nobody notices."""
MIGRATION_RETRY_SECONDS = 1.0
MIGRATION_TRIES = 60
_LOCK_NOT_AVAILABLE = "55P03"

_log = get_logger(__name__)


def migrate(url: str, *, package: str) -> None:
    """Bring the schema of a service up to date with `<package>.migrations`, while it is in use.

    A change of a table waits for its lock no longer than `MIGRATION_LOCK_SECONDS`, since everybody else
    queues behind the one who waits; then it stands back and tries again. What is done stays done.

    Raises:
        sqlalchemy.exc.DBAPIError: a migration failed, or met a lock in each of `MIGRATION_TRIES` tries.
    """
    # Here, since every service has this module: 30 MB that serving has no use for.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", f"{package}:migrations")
    config.attributes["url"] = url
    for tries in range(1, MIGRATION_TRIES + 1):
        try:
            command.upgrade(config, "head")
        except DBAPIError as exc:
            if getattr(exc.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE or tries == MIGRATION_TRIES:
                raise
            _log.warning("migration_waits_for_lock", package=package, tries=tries)
            time.sleep(MIGRATION_RETRY_SECONDS)
        else:
            return
