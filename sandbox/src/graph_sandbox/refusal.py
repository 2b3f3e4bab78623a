"""What a refusal is that does not depend on what a create or update says."""

from dataclasses import dataclass

from graph_sandbox.errors import OAUTH, GraphError
from graph_sandbox.rule import WHERE, Source


@dataclass(frozen=True, slots=True)
class Refusal:
    """One entry; `{names}` in its texts are filled in."""

    refusal_id: str
    when: str
    message: str
    code: int
    source: Source
    where: str = ""
    subcode: int | None = None
    kind: str = OAUTH
    status: int = 400
    title: str | None = None
    user_message: str | None = None

    def error(self, **facts: object) -> GraphError:
        blamed = facts.get("param")
        return GraphError(
            self.message.format(**facts),
            code=self.code,
            subcode=self.subcode,
            kind=self.kind,
            status=self.status,
            title=self.title,
            user_message=self.user_message,
            blame=(str(blamed),) if blamed else (),
            rule=self.refusal_id,
        )

    @property
    def known_from(self) -> str:
        return self.where or WHERE[self.source]
