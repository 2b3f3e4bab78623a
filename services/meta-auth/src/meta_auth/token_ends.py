"""How many tokens run out soon."""

from typing import Final

from chassis.database import Connection
from chassis.metrics import COUNT_LIMIT

EXPIRING_DAYS: Final = (14, 7, 3, 1)
"""How many days ahead a warning may look."""


async def count_token_ends(connection: Connection) -> tuple[int, list[int]]:
    """Connections whose token has run out, and those whose token will within each of `EXPIRING_DAYS`.

    Each at most `COUNT_LIMIT`, so that the index meta_connections_token_end answers at once.
    """
    counts: list[int] = await connection.fetchval(
        """
        SELECT array_agg(counted.count ORDER BY ahead.n)
        FROM unnest($1::int[]) WITH ORDINALITY AS ahead (days, n),
        LATERAL (
            SELECT count(*) FROM (
                SELECT FROM meta_connections
                WHERE status <> 'disconnected' AND token_expires_at IS NOT NULL
                  AND token_expires_at <= now() + make_interval(days => ahead.days)
                  AND (ahead.days = 0 OR token_expires_at > now())
                LIMIT $2
            ) AS counted
        ) AS counted
        """,
        [0, *EXPIRING_DAYS],
        COUNT_LIMIT,
    )
    return counts[0], counts[1:]
