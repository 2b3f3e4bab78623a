"""Every SQL statement of meta-auth. Nothing here commits; the caller's transaction does."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from chassis.database import Connection
from contracts.events import ConnectionState
from meta_auth.vault import Place, SealedToken

STATE_LIFETIME_SECONDS: Final = 600
"""How long a visit to Meta's dialog may take."""


@dataclass(frozen=True, kw_only=True)
class SelectedAccount:
    """The chosen ad account and what the publisher needs to know of it. The budget is in minor units."""

    id: str
    name: str | None = None
    currency: str | None = None
    min_daily_budget_minor: int | None = None
    dsa_beneficiary: str | None = None
    dsa_payor: str | None = None


@dataclass(frozen=True, kw_only=True)
class NewGrant:
    """What a finished connect puts into the row; a placeholder has no sealed token."""

    meta_user_id: str
    meta_user_name: str
    sealed: SealedToken | None
    scopes: list[str]
    expires_at: datetime | None
    data_access_expires_at: datetime | None = None
    placeholder_account_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class MetaConnection:
    """A customer's connection as it is stored."""

    id: UUID
    customer_id: UUID
    version: int
    token_version: int
    status: ConnectionState
    trouble: str | None
    meta_user_id: str | None
    meta_user_name: str | None
    is_placeholder: bool
    sealed: SealedToken | None = field(repr=False)
    scopes: list[str] | None
    expires_at: datetime | None
    data_access_expires_at: datetime | None
    granted_at: datetime | None
    warned_days: int | None
    placeholder_account_id: str | None
    selected: SelectedAccount | None

    @property
    def place(self) -> Place:
        return Place(customer_id=self.customer_id, row_id=self.id)


@dataclass(frozen=True, kw_only=True)
class PendingState:
    """A visit to the dialog that has not come back yet."""

    state_hash: str
    customer_id: UUID
    user_id: UUID
    session_hash: str


async def find_connection(connection: Connection, customer_id: UUID) -> MetaConnection | None:
    row = await connection.fetchrow("SELECT * FROM meta_connections WHERE customer_id = $1", customer_id)
    return connection_of(row) if row else None


async def read_connection(connection: Connection, customer_id: UUID) -> MetaConnection | None:
    """The customer's row in one round trip: what is asked for most.

    It needs no transaction: the function itself says whose row it reads, until this statement is over.
    """
    row = await connection.fetchrow("SELECT * FROM own_connection($1)", customer_id)
    return connection_of(row) if row else None


async def lock_connection(connection: Connection, customer_id: UUID) -> MetaConnection:
    """The customer's row, made if it is missing, locked until the transaction ends."""
    await connection.execute(
        "INSERT INTO meta_connections (id, customer_id, version, token_version, status, is_placeholder)"
        " VALUES ($1, $2, 0, 0, 'disconnected', false) ON CONFLICT (customer_id) DO NOTHING",
        uuid4(),
        customer_id,
    )
    row = await connection.fetchrow(
        "SELECT * FROM meta_connections WHERE customer_id = $1 FOR UPDATE", customer_id
    )
    assert row is not None  # noqa: S101 - inserted above if it was not there, and never deleted
    return connection_of(row)


async def replace_grant(
    connection: Connection, customer_id: UUID, grant: NewGrant, selected: SelectedAccount | None
) -> MetaConnection:
    """Put a verified grant in the place of whatever was there."""
    sealed = grant.sealed
    row = await connection.fetchrow(
        "UPDATE meta_connections SET version = version + 1, token_version = token_version + 1,"
        " updated_at = now(), status = 'connected', trouble = NULL, meta_user_id = $2, meta_user_name = $3,"
        " is_placeholder = $4, sealed_token = $5, wrapped_key = $6, key_id = $7, granted_scopes = $8,"
        " token_expires_at = $9, ad_account_id = $10, selected_ad_account_id = $11, account_name = $12,"
        " currency = $13, min_daily_budget_minor = $14, dsa_beneficiary = $15, dsa_payor = $16,"
        " data_access_expires_at = $17, granted_at = now(), checked_at = now(), warned_days = NULL,"
        # Not a whole day: the checks of customers who came together shall not stay together.
        " check_due_at = now() + (0.5 + random() / 2) * interval '1 day'"
        " WHERE customer_id = $1 RETURNING *",
        customer_id,
        grant.meta_user_id,
        grant.meta_user_name,
        sealed is None,
        sealed.ciphertext if sealed else None,
        sealed.wrapped_key if sealed else None,
        sealed.key_id if sealed else None,
        grant.scopes,
        grant.expires_at,
        grant.placeholder_account_id,
        *_account_columns(selected),
        grant.data_access_expires_at,
    )
    assert row is not None  # noqa: S101 - the caller holds the row's lock
    return connection_of(row)


async def select_account(
    connection: Connection, customer_id: UUID, token_version: int, selected: SelectedAccount
) -> MetaConnection | None:
    """Remember the chosen account; None when the connection has changed since the account was looked up."""
    row = await connection.fetchrow(
        "UPDATE meta_connections SET version = version + 1, updated_at = now(), selected_ad_account_id = $3,"
        " account_name = $4, currency = $5, min_daily_budget_minor = $6, dsa_beneficiary = $7,"
        " dsa_payor = $8 WHERE customer_id = $1 AND token_version = $2 AND status = 'connected' RETURNING *",
        customer_id,
        token_version,
        *_account_columns(selected),
    )
    return connection_of(row) if row else None


async def turn_to_error(
    connection: Connection, customer_id: UUID, token_version: int, trouble: str
) -> MetaConnection | None:
    """Mark the connection as broken; None when that token was replaced or is marked already."""
    row = await connection.fetchrow(
        "UPDATE meta_connections SET version = version + 1, updated_at = now(), status = 'error',"
        " trouble = $3 WHERE customer_id = $1 AND token_version = $2 AND status = 'connected' RETURNING *",
        customer_id,
        token_version,
        trouble,
    )
    return connection_of(row) if row else None


async def empty_connection(connection: Connection, customer_id: UUID) -> MetaConnection | None:
    """Forget token, person and account, keep the counters; None when there was nothing to forget."""
    row = await connection.fetchrow(
        "UPDATE meta_connections SET version = version + 1, token_version = token_version + 1,"
        " updated_at = now(), status = 'disconnected', trouble = NULL, meta_user_id = NULL,"
        " meta_user_name = NULL, is_placeholder = false, sealed_token = NULL, wrapped_key = NULL,"
        " key_id = NULL, granted_scopes = NULL, token_expires_at = NULL, ad_account_id = NULL,"
        " selected_ad_account_id = NULL, account_name = NULL, currency = NULL,"
        " min_daily_budget_minor = NULL, dsa_beneficiary = NULL, dsa_payor = NULL,"
        " data_access_expires_at = NULL, granted_at = NULL, checked_at = NULL, check_due_at = NULL,"
        " warned_days = NULL"
        " WHERE customer_id = $1 AND status <> 'disconnected' RETURNING *",
        customer_id,
    )
    return connection_of(row) if row else None


async def add_state(connection: Connection, state: PendingState) -> None:
    await connection.execute(
        "INSERT INTO oauth_states (state_hash, customer_id, user_id, session_hash, expires_at)"
        " VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))",
        state.state_hash,
        state.customer_id,
        state.user_id,
        state.session_hash,
        STATE_LIFETIME_SECONDS,
    )


async def forget_old_states(connection: Connection) -> None:
    """Old visits are forgotten when one comes back, so nothing has to come by and tidy up."""
    await connection.execute("DELETE FROM oauth_states WHERE expires_at < now() - interval '30 days'")


async def find_open_state(connection: Connection, state_hash: str) -> PendingState | None:
    row = await connection.fetchrow(
        "SELECT state_hash, customer_id, user_id, session_hash FROM oauth_states"
        " WHERE state_hash = $1 AND used_at IS NULL AND expires_at > now()",
        state_hash,
    )
    return PendingState(**dict(row)) if row else None


async def use_state(connection: Connection, state_hash: str) -> bool:
    """Consume the state. Of two callbacks at once, the second waits here and gets False."""
    used = await connection.fetchval(
        "UPDATE oauth_states SET used_at = now()"
        " WHERE state_hash = $1 AND used_at IS NULL AND expires_at > now() RETURNING true",
        state_hash,
    )
    return used is True


async def record_outcome(connection: Connection, state_hash: str, outcome: str) -> None:
    await connection.execute(
        "UPDATE oauth_states SET outcome = $2 WHERE state_hash = $1", state_hash, outcome
    )


async def last_outcome(connection: Connection, customer_id: UUID) -> str | None:
    """How the customer's last finished visit to the dialog ended."""
    outcome: str | None = await connection.fetchval(
        "SELECT outcome FROM oauth_states WHERE customer_id = $1 AND outcome IS NOT NULL"
        " ORDER BY created_at DESC LIMIT 1",
        customer_id,
    )
    return outcome


def _account_columns(selected: SelectedAccount | None) -> tuple[Any, ...]:
    if selected is None:
        return (None,) * 6
    return (
        selected.id,
        selected.name,
        selected.currency,
        selected.min_daily_budget_minor,
        selected.dsa_beneficiary,
        selected.dsa_payor,
    )


def connection_of(row: asyncpg.Record) -> MetaConnection:
    return MetaConnection(
        id=row["id"],
        customer_id=row["customer_id"],
        version=row["version"],
        token_version=row["token_version"],
        status=row["status"],
        trouble=row["trouble"],
        meta_user_id=row["meta_user_id"],
        meta_user_name=row["meta_user_name"],
        is_placeholder=row["is_placeholder"],
        sealed=_sealed(row),
        scopes=row["granted_scopes"],
        expires_at=row["token_expires_at"],
        data_access_expires_at=row["data_access_expires_at"],
        granted_at=row["granted_at"],
        warned_days=row["warned_days"],
        placeholder_account_id=row["ad_account_id"],
        selected=_selected(row),
    )


def _sealed(row: asyncpg.Record) -> SealedToken | None:
    if row["sealed_token"] is None:
        return None
    return SealedToken(key_id=row["key_id"], wrapped_key=row["wrapped_key"], ciphertext=row["sealed_token"])


def _selected(row: asyncpg.Record) -> SelectedAccount | None:
    if row["selected_ad_account_id"] is None:
        return None
    return SelectedAccount(
        id=row["selected_ad_account_id"],
        name=row["account_name"],
        currency=row["currency"],
        min_daily_budget_minor=row["min_daily_budget_minor"],
        dsa_beneficiary=row["dsa_beneficiary"],
        dsa_payor=row["dsa_payor"],
    )
