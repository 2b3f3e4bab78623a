"""Customers, users, sessions and failed logins."""

from dataclasses import dataclass
from uuid import UUID

from chassis.database import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    id: UUID
    customer_id: UUID
    email: str
    password_hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundSession:
    """A session that is neither revoked nor too old. `user` is None when the user has been deleted."""

    token_hash: str
    user_id: UUID | None
    customer_id: UUID | None
    email: str | None
    is_stale: bool
    """Its last use was noted long enough ago to be noted again."""


async def insert_customer(connection: Connection, customer_id: UUID, name: str) -> None:
    await connection.execute("INSERT INTO customers (id, name) VALUES ($1, $2)", customer_id, name)


async def insert_user(
    connection: Connection, *, user_id: UUID, customer_id: UUID, email: str, name: str, password_hash: str
) -> bool:
    """Add a user; False when the address is taken, which the index users_email_key decides."""
    added = await connection.fetchval(
        """
        INSERT INTO users (id, customer_id, email, name, password_hash) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (lower(email)) DO NOTHING RETURNING id
        """,
        user_id,
        customer_id,
        email,
        name,
        password_hash,
    )
    return added is not None


async def user_by_email(connection: Connection, email: str) -> User | None:
    """Whose address it is. A function: no customer is known yet whose rows could be looked at."""
    row = await connection.fetchrow(
        "SELECT id, customer_id, email, password_hash FROM user_by_email($1)", email
    )
    return User(**dict(row)) if row else None


async def replace_password_hash(connection: Connection, user_id: UUID, password_hash: str) -> None:
    await connection.execute("UPDATE users SET password_hash = $2 WHERE id = $1", user_id, password_hash)


async def insert_session(
    connection: Connection, *, token_hash: str, user_id: UUID, absolute_seconds: int
) -> None:
    await connection.execute(
        "INSERT INTO sessions (token_hash, user_id, expires_at)"
        " VALUES ($1, $2, now() + make_interval(secs => $3))",
        token_hash,
        user_id,
        absolute_seconds,
    )


async def find_session(
    connection: Connection, token_hash: str, *, idle_seconds: int, touch_seconds: float
) -> FoundSession | None:
    """The session of a cookie, unless it is revoked, idle for too long or past its end.

    A function gives the session and its user: whose it is, is what is asked.
    """
    row = await connection.fetchrow(
        """
        SELECT (session).token_hash, (session).user_id, customer_id, email,
               (session).last_seen_at < now() - make_interval(secs => $3) AS is_stale
        FROM session_by_hash($1)
        WHERE (session).revoked_at IS NULL AND (session).expires_at > now()
          AND (session).last_seen_at > now() - make_interval(secs => $2)
        """,
        token_hash,
        idle_seconds,
        touch_seconds,
    )
    return FoundSession(**dict(row)) if row else None


async def touch_session(connection: Connection, token_hash: str) -> None:
    await connection.execute("UPDATE sessions SET last_seen_at = now() WHERE token_hash = $1", token_hash)


async def revoke_session(connection: Connection, token_hash: str) -> tuple[UUID, UUID] | None:
    """End a session, whoever's it is; its user and customer, or None when it was not open."""
    row = await connection.fetchrow("SELECT user_id, customer_id FROM end_session($1)", token_hash)
    return (row["user_id"], row["customer_id"]) if row and row["user_id"] else None


async def add_login_attempt(connection: Connection, account_hash: str, address: str) -> int:
    attempt: int = await connection.fetchval(
        "INSERT INTO login_attempts (account_hash, address) VALUES ($1, $2) RETURNING id",
        account_hash,
        address,
    )
    return attempt


async def login_wait_seconds(
    connection: Connection, account_hash: str, address: str, *, failures: int, window_seconds: int
) -> float:
    """How long this address must wait before another try for this account; 0 when it may try now.

    The try itself is already among the attempts, so of any number of tries at once at most `failures` pass.
    """
    wait: float | None = await connection.fetchval(
        """
        SELECT extract(epoch FROM at + make_interval(secs => $4) - now())::float8 FROM login_attempts
        WHERE account_hash = $1 AND address = $2 AND at > now() - make_interval(secs => $4)
        ORDER BY at DESC, id DESC OFFSET $3 LIMIT 1
        """,
        account_hash,
        address,
        failures,
        window_seconds,
    )
    return max(wait, 1.0) if wait is not None else 0.0


async def remove_login_attempt(connection: Connection, attempt: int) -> None:
    await connection.execute("DELETE FROM login_attempts WHERE id = $1", attempt)


async def forget_login_attempts(connection: Connection, account_hash: str, address: str) -> None:
    await connection.execute(
        "DELETE FROM login_attempts WHERE account_hash = $1 AND address = $2", account_hash, address
    )
