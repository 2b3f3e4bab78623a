"""An event like any other."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from contracts.events import AdsSync, SyncRequest

STREAM = "sample.stream"
GROUP = "sample"


def new_event(subject: UUID | None = None) -> AdsSync:
    """A fresh event about `subject`."""
    run = subject or uuid4()
    return AdsSync(
        id=uuid4(),
        source="/sample",
        time=datetime.now(UTC),
        subject=str(run),
        customerid=uuid4(),
        data=SyncRequest(run_id=run),
    )
