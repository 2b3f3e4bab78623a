"""A connection as it is after a grant."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from meta_auth.store import MetaConnection

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ASKED = ("ads_management", "business_management")
ROW = MetaConnection(
    id=uuid4(),
    customer_id=uuid4(),
    version=3,
    token_version=1,
    status="connected",
    trouble=None,
    meta_user_id="1",
    meta_user_name="Ada",
    is_placeholder=False,
    sealed=None,
    scopes=list(ASKED),
    expires_at=NOW + timedelta(days=60),
    data_access_expires_at=NOW + timedelta(days=90),
    granted_at=NOW,
    warned_days=None,
    placeholder_account_id=None,
    selected=None,
)
