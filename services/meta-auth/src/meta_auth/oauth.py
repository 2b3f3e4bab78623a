"""The OAuth code flow with Meta, by Authlib: dialog address, code exchange, long-lived exchange.

The redirect address is a constant; `state` is the defence against forged callbacks, since Meta documents
no PKCE for this flow. Secrets go in form bodies, never in an address; with the secret itself in it, and no
token yet, a call needs no `appsecret_proof`.
Source: https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow, RFC 9700
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from authlib.integrations.httpx_client import AsyncOAuth2Client
from pydantic import SecretStr

from chassis.errors import MetaApiError
from meta_auth.graph import read_answer
from meta_auth.metrics import meta_call
from meta_auth.settings import MetaApp
from meta_auth.transport import CLIENT_OPTIONS, MetaTransport, no_answer


@dataclass(frozen=True, kw_only=True)
class FreshToken:
    """A long-lived token; without `expires_at` Meta named no end."""

    token: SecretStr
    expires_at: datetime | None


class MetaOAuth:
    """Meta as authorization server, for one app."""

    def __init__(
        self,
        *,
        app: MetaApp,
        dialog_url: str,
        token_url: str,
        scopes: Sequence[str],
        transport: MetaTransport,
    ) -> None:
        self._app = app
        self._dialog_url = dialog_url
        self._token_url = token_url
        self._scopes = ",".join(scopes)
        self._transport = transport

    def authorization_url(self, state: str, *, ask_again: bool) -> str:
        """Address of the dialog. `ask_again` offers scopes that were declined, which Meta else hides."""
        extra = {"auth_type": "rerequest"} if ask_again else {}
        url, _ = self._client().create_authorization_url(self._dialog_url, state=state, **extra)
        return str(url)

    async def exchange(self, code: str) -> FreshToken:
        """Turn the code into a short-lived token, and that into a long-lived one, about 60 days.

        Raises:
            MetaApiError: Meta refused one of the two, or answered something unreadable.
            Unavailable: Meta did not answer. A code is used up by the attempt: start again at the dialog.
        """
        short = await self._fetch(grant_type="authorization_code", code=code)
        long = await self._fetch(grant_type="fb_exchange_token", fb_exchange_token=_access_token(short))
        return FreshToken(token=SecretStr(_access_token(long)), expires_at=_end(long.get("expires_in")))

    async def _fetch(self, **params: str) -> dict[str, Any]:
        client = self._client()
        client.register_compliance_hook("access_token_response", _check_answer)
        try:
            with meta_call(
                "oauth_token", "POST", "/oauth/access_token", host=str(httpx2.URL(self._token_url).host)
            ):
                return dict(await client.fetch_token(self._token_url, **params))
        except httpx2.TransportError as exc:
            raise no_answer() from exc

    def _client(self) -> Any:
        # One per flow, because it remembers the token it fetched; connections are the transport's.
        return AsyncOAuth2Client(
            client_id=self._app.app_id,
            client_secret=self._app.app_secret.get_secret_value(),
            redirect_uri=self._app.redirect_url,
            scope=self._scopes,
            token_endpoint_auth_method="client_secret_post",  # noqa: S106 - a method's name
            transport=self._transport,
            **CLIENT_OPTIONS,
        )


def _check_answer(response: httpx2.Response) -> httpx2.Response:
    # Authlib expects OAuth's error body; Graph's own is read here, so that code and subcode are kept.
    read_answer(response)
    return response


def _access_token(answer: dict[str, Any]) -> str:
    token = answer.get("access_token")
    if not isinstance(token, str) or not token:
        raise MetaApiError("Meta's answer has no access token.")
    return token


def _end(seconds: Any) -> datetime | None:
    # Missing or 0 is how Meta says that a token has no end.
    return datetime.now(UTC) + timedelta(seconds=seconds) if isinstance(seconds, int) and seconds else None
