"""A customer's good and bad days, driven so that every secret of the system is used at least once."""

import asyncio
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import httpx
from e2e_driver import Advertiser, Sandbox, eventually
from e2e_system import EmbeddedSystem
from redis.asyncio import Redis
from security_canaries import Canary
from security_forgery import genuine_payload, signed_request

from chassis.service_tokens import TokenSigner
from local_stack.services import ADS_PUBLISHER, GATEWAY, META_AUTH

DEAD = ("stream", "redis file")
"""Where what we put into a stream ourselves lies, unread by anyone."""

LINK = re.compile(r"#token=(\S+)")


def planted(word: str) -> str:
    """A value that occurs nowhere else and that careless escaping would tear apart."""
    return f'{word}-"Ünïque"/{uuid4().hex}'


@dataclass(kw_only=True)
class Story:
    """What was planted, and what the system answered to whoever sent it."""

    system: EmbeddedSystem
    sandbox: Sandbox
    canaries: list[Canary] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)

    def plant(self, name: str, value: str | None = None, *, homes: tuple[str, ...] = ()) -> str:
        chosen = planted(name.replace(" ", "-")) if value is None else value
        self.canaries.append(Canary(name=name, value=chosen, homes=homes))
        return chosen

    async def keep(self, answer: httpx.Response) -> None:
        """Keep what an answer tells, less what it exists to hand over: the cookie, the way to the dialog."""
        await answer.aread()
        if answer.request.url.path == "/meta/oauth/connect-url" and answer.is_success:
            return
        headers = [pair for pair in answer.headers.multi_items() if pair[0] != "set-cookie"]
        self.answers.append(f"{answer.status_code} {headers!r} {answer.text}")

    async def tell(self, account: str) -> None:
        """The whole of it."""
        async with Advertiser(self.system.gateway_url) as customer:
            customer._http.event_hooks["response"].append(self.keep)
            await self._open_and_refuse(customer)
            await self._reset_and_change(customer)
            await self._come_back_wrongly(customer)
            await self._publish_well_and_badly(customer, account)
            await self._crash(customer, account)
            await self._operate(customer)
            await customer.post("/meta/disconnect", {})
            await customer.post("/auth/logout", {})
        await self._fail_to_start()

    async def _open_and_refuse(self, customer: Advertiser) -> None:
        email, password = customer.email, self.plant("password")
        await customer.sign_up_or_log_in(email, password)
        self.plant("session cookie", customer.session)
        wrong = {"email": email, "password": self.plant("wrong password")}
        too_long = {"email": email, "name": "Ada", "password": self.plant("long password") * 9}
        for path, body in (
            ("/auth/login", wrong),
            ("/auth/login", {"email": 7, "password": self.plant("password beside a wrong type")}),
            ("/auth/login", {"email": email, "password": [self.plant("password in a list")]}),
            ("/auth/login", {"email": email, "password": {self.plant("password as a key"): 1}}),
            ("/auth/login", {"email": email, "passwort": self.plant("password in an unknown field")}),
            ("/auth/login", {"email": self.plant("password as the address"), "password": "x"}),
            ("/signup", too_long),
            ("/signup", {"email": "nobody", "name": "x", "password": self.plant("password of a bad signup")}),
            ("/ads/settings", {"geoMode": self.plant("password in another form"), "formatsJson": 1}),
        ):
            assert (await customer.request("POST", path, json=body)).status_code in {400, 401}
        for content, kind in (
            (f'{{"password":"{self.plant("password in broken JSON")}', "application/json"),
            (f"password={self.plant('password in a form')}", "application/x-www-form-urlencoded"),
            (f'{{"password":"{self.plant("password with NUL")}\\u0000"}}', "application/json"),
        ):
            sent = {"content": content.encode(), "headers": {"content-type": kind}}
            assert (await customer.request("POST", "/auth/login", **sent)).status_code == 400
        query = {
            "password": self.plant("password in the query"),
            "access_token": self.plant("token in the query"),
        }
        await customer.request("GET", "/auth/me", params=query)
        # The answer names the path that does not exist; a log must not.
        path = self.plant("token in a path", f"EAAS{uuid4().hex}", homes=("answers",))
        await customer.request("GET", f"/no/such/page/{path}")
        headers = {
            "authorization": f"Bearer {self.plant('bearer of a stranger', uuid4().hex * 2)}",
            "x-request-id": self.plant("secret as a request id", f"bad id {uuid4().hex}"),
            "idempotency-key": self.plant("secret in a bad key", f"bäd{uuid4().hex}").encode("latin-1"),
            "cookie": f"session={self.plant('made-up cookie', uuid4().hex * 2)}",
        }
        await customer.request("POST", "/ads/publish", json={}, headers=headers)
        customer._http.cookies.clear()
        assert not await customer.sign_up_or_log_in(email, password)
        self.plant("session cookie after login", customer.session)

    async def _reset_and_change(self, customer: Advertiser) -> None:
        """A link by mail, one that is made up, the password it sets, another one; and a word of Meta's."""
        assert (
            await customer.request("POST", "/auth/password-reset", json={"email": customer.email})
        ).is_success
        folder = self.system.data_dir / "mail"
        mails = await eventually(lambda: asyncio.to_thread(lambda: list(folder.glob("*.eml"))), bool)
        found = LINK.search(mails[0].read_text())
        assert found
        by_link, changed = self.plant("password by a link"), self.plant("changed password")
        made_up = {
            "token": self.plant("made-up token of a link"),
            "newPassword": self.plant("password by a made-up link"),
        }
        good = {"token": self.plant("token of a link", found[1]), "newPassword": by_link}
        wrong = {
            "currentPassword": self.plant("wrong current password"),
            "newPassword": self.plant("password beside a wrong one"),
        }
        for path, body, status in (
            ("/auth/password-reset/confirm", made_up, 400),
            ("/auth/password-reset/confirm", good, 200),
            ("/auth/login", {"email": customer.email, "password": by_link}, 200),
            ("/auth/password", wrong, 400),
            ("/auth/password", {"currentPassword": by_link, "newPassword": changed}, 200),
        ):
            assert (await customer.request("POST", path, json=body)).status_code == status, path
        self.plant("session cookie after a change", customer.session)
        for key, status in ((self.system.credentials.app_secret, 200), ("x", 400)):
            word = signed_request(genuine_payload(user_id=str(uuid4().int)[:15]), key=key)
            form = {"signed_request": self.plant(f"signed request with {status}", word)}
            assert (await customer.request("POST", "/meta/deauthorize", data=form)).status_code == status

    async def _come_back_wrongly(self, customer: Advertiser) -> None:
        async def state(name: str) -> str:
            url = (await customer.get("/meta/oauth/connect-url"))["url"]
            return self.plant(name, httpx.URL(url).params["state"])

        for query in (
            {"state": await state("state"), "code": self.plant("code that Meta refuses")},
            {
                "state": await state("state of a decline"),
                "code": self.plant("code beside an error"),
                "error": "no",
            },
            {"state": self.plant("made-up state"), "code": self.plant("code with a wrong state")},
            {"code": self.plant("code without a state")},
        ):
            answer = await customer.request("GET", "/meta/oauth/callback", params=query)
            assert "meta=error" in answer.headers["location"]

    async def _publish_well_and_badly(self, customer: Advertiser, account: str) -> None:
        await self.sandbox.name_owner(account)
        await customer.set_up(account)
        await customer.publish_to_success()
        await customer.get("/meta/debug/smoke")
        said = {
            "token in Meta's text": "Malformed access token {}",
            "query in Meta's text": "GET /me?access_token={}&x=1 failed",
            "header in Meta's text": "authorization: Bearer {} is not valid",
            "form in Meta's text": "client_secret={}&code=1",
            "JSON in Meta's text": '{{"access_token": "{}"}} is not valid',
        }
        for name, text in said.items():
            message = text.format(self.plant(name, f"EAAS{uuid4().hex}{uuid4().hex}"))
            fault = {"do": "error", "at": "before_commit", "code": 100, "message": message}
            await self.sandbox.arm_raw(match={"step": "adset", "account": account}, **fault)
            await self.sandbox.delete((await customer.get("/ads/objects"))["adsetId"], persona="ben")
            assert (await customer.publish())["status"] == "failed"
            await self.sandbox.clear_faults()
            await self.sandbox.arm_raw(match={"path": "/me"}, **fault)
            assert (await customer.request("GET", "/meta/debug/smoke")).status_code == 502
            await self.sandbox.clear_faults()
            await customer.publish_to_success()
        await self.sandbox.delete((await customer.get("/ads/objects"))["adsetId"], persona="ben")
        await self.sandbox.arm("revoke_token", at="before_commit", step="adset", account=account)
        assert (await customer.publish())["status"] == "failed"
        await self.sandbox.revoke_tokens("ben", None)

    async def _crash(self, customer: Advertiser, account: str) -> None:
        """Exceptions that nobody expected, with secrets at hand where they are raised."""
        raising = {
            META_AUTH: "meta_auth.code_exchanged=raise@1",
            ADS_PUBLISHER: "publisher.granted=raise@1",
            GATEWAY: "gateway.accept.before_commit=raise@1",
        }
        await asyncio.gather(
            *(
                self.system.restart(service, env={"FAILPOINTS": failpoint})
                for service, failpoint in raising.items()
            )
        )
        url = (await customer.get("/meta/oauth/connect-url"))["url"]
        self.plant("state of a crash", httpx.URL(url).params["state"])
        try:
            await customer.connect(persona="ben")
        except RuntimeError as refused:
            assert "internal_error" in str(refused)  # noqa: PT017 - the driver says where it was led
        assert (await customer.request("POST", "/ads/publish", json={})).status_code == 500
        await customer.connect(persona="ben")
        await customer.select(account)
        await customer.publish()

    async def _operate(self, customer: Advertiser) -> None:
        """What operators and other services see, and what is refused to them."""
        dead = self.plant("token in a dead letter", f"EAAS{uuid4().hex}", homes=DEAD)
        body = f'{{"type":"ADS_PUBLISH","access_token":"{dead}"}}'
        async with Redis.from_url(self.system.valkey.url) as redis:
            await redis.xadd("ads.publish", {"__data__": body})
            await customer.publish()
        runs = (await customer.get("/ads/runs"))["data"]
        chosen = [next(run["id"] for run in runs if run["status"] == end) for end in ("failed", "success")]
        commands = [("dead", "list"), ("jobs", "list"), *(("bundle", run_id) for run_id in chosen)]
        await self._run_all(commands)
        for run_id in chosen:
            assert (await customer.request("GET", f"/ads/runs/{run_id}/bundle")).status_code == 200
        words = self.outputs["dead list"].split()
        letters = [word for word in words if word.count("-") == 1 and word[0].isdigit()]
        assert letters
        await self._run_all([("dead", "show", letter) for letter in letters])
        key = self.system.credentials.service_keys[GATEWAY].private
        token = TokenSigner(service=GATEWAY, private_key=key).token(
            audience="meta-auth", customer_id=UUID(customer.customer_id), purpose="status"
        )
        self.plant("service token", token)
        async with httpx.AsyncClient(trust_env=False, event_hooks={"response": [self.keep]}) as client:
            for bearer in (token[:-4] + "AAAA", self.plant("made-up service token", uuid4().hex * 2)):
                url = f"{self.system.meta_auth_url}/internal/connections/{customer.customer_id}/status"
                answer = await client.get(url, headers={"authorization": f"Bearer {bearer}"})
                assert answer.status_code in {401, 404, 405}

    async def _fail_to_start(self) -> None:
        """Commands whose settings are wrong: the complaint must not show them."""
        wrong = {
            "migration": (
                GATEWAY,
                "migrate",
                {"MIGRATION_DATABASE_URL": f"postgresql://x:{self._word('database password')}@[:1/x"},
            ),
            "vault": (
                META_AUTH,
                "serve",
                {"TOKEN_KEYS": f'{{"k":"{self._word("token key")}"}}', "TOKEN_KEY_ID": "k"},
            ),
            "keys": (META_AUTH, "serve", {"TOKEN_KEYS": f'{{"k":{self._word("token key in broken JSON")}'}),
            "mail": (
                GATEWAY,
                "serve",
                {
                    "SESSION_COOKIE": "__Host-session",
                    "SMTP_PASSWORD": self._word("password of the mail server"),
                },
            ),
            "signer": (GATEWAY, "serve", {"SERVICE_PRIVATE_KEY": self._word("private key")}),
            "redis": (GATEWAY, "serve", {"REDIS_URL": f"redis://x:{self._word('redis password')}@["}),
            "database": (
                ADS_PUBLISHER,
                "run",
                {"DATABASE_URL": f"postgresql://x:{self._word('password in a bad address')}@[:1/x"},
            ),
        }
        await asyncio.gather(
            *(
                self._run(
                    f"bad {name}",
                    service,
                    command,
                    env={**env, "OTEL_EXPORTER_PROMETHEUS_PORT": ""},
                    fails=True,
                )
                for name, (service, command, env) in wrong.items()
            )
        )

    async def _run_all(self, commands: Sequence[tuple[str, ...]]) -> None:
        await asyncio.gather(*(self._run(" ".join(words), ADS_PUBLISHER, *words) for words in commands))

    def _word(self, name: str) -> str:
        return self.plant(f"wrong {name}", uuid4().hex)

    async def _run(
        self,
        name: str,
        service: str,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        fails: bool = False,
    ) -> None:
        chosen = self.system.service(service)
        done = await asyncio.to_thread(
            subprocess.run,
            chosen.own_command(*arguments),
            env={**chosen.env, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert bool(done.returncode) is fails, (name, done.stdout, done.stderr)
        self.outputs[name] = done.stdout + done.stderr
