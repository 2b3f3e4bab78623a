"""The sample service's room in Postgres. Role names belong to the whole server, so these are its own."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from chassis.provision import provision


@dataclass(frozen=True, kw_only=True)
class Room:
    """Schema and roles of one service in the database that `admin_url` names."""

    service: str
    admin_url: str

    @property
    def url(self) -> str:
        """Address of the serving role."""
        return self._url(self.service)

    @property
    def owner_url(self) -> str:
        """Address of the role that runs migrations."""
        return self._url(f"{self.service}_owner")

    def _url(self, role: str) -> str:
        parts = urlsplit(self.admin_url)
        return f"postgresql://{role}:{role}-secret@{parts.hostname}:{parts.port}{parts.path}"

    async def provision(self) -> None:
        """Make it, or make it again."""
        await provision(
            self.admin_url,
            service=self.service,
            password=f"{self.service}-secret",
            owner_password=f"{self.service}_owner-secret",
        )
