"""What each of our processes is started with: command line, environment, address that says it is ready."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from local_stack.credentials import Credentials
from local_stack.ports import HOST, Ports
from local_stack.servers import redis_url

GATEWAY = "gateway"
META_AUTH = "meta-auth"
ADS_PUBLISHER = "ads-publisher"
SANDBOX = "sandbox"

DATABASE = "auto_ads"
CONSOLE = Path(__file__).parents[4] / "frontend" / "dist"
"""The built console. `make up` sees to it; without it the gateway serves none."""

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SSL_CERT_FILE", "PYTHONWARNINGS")
"""What a child may know of our environment. The rest stays out: a DATABASE_URL of some other project in the
shell must not reach a service."""

OVERRIDABLE = (
    "ALLOW_DEV_ADS_PUBLISH_SIM",
    "ALLOW_DEV_META",
    "ALLOW_REAL_META_WRITE",
    "APP_URL",
    "CORS_ORIGINS",
    "DEFAULT_MONTHLY_BUDGET",
    "EXECUTOR_TASKS",
    "LOG_FORMAT",
    "LOG_LEVEL",
    "META_ADMIT_WINDOW_SECONDS",
    "META_APP_ID",
    "META_APP_SECRET",
    "META_DIALOG_BASE_URL",
    "META_DSA_BENEFICIARY",
    "META_DSA_PAYOR",
    "META_GRAPH_BASE_URL",
    "META_GRAPH_VERSION",
    "META_REDIRECT_URL",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "PUBLIC_URL",
    "RUNS_PER_MINUTE",
    "SESSION_ABSOLUTE_SECONDS",
    "SESSION_IDLE_SECONDS",
    "SIGNUPS_PER_ADDRESS",
)
"""Settings that `up` takes from the caller's environment, for instance to talk to Meta itself."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """One of our processes."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    ready_url: str
    migrate_argv: tuple[str, ...] | None = None

    def own_command(self, *arguments: str) -> tuple[str, ...]:
        """The command line of another command of this service, to be run with its environment."""
        program = self.argv[:3]  # python -m <module>
        return (*program, *arguments)

    def with_env(self, env: Mapping[str, str]) -> "Service":
        """The same process with more or other variables."""
        return replace(self, env={**self.env, **env})


def overrides_from(environment: Mapping[str, str]) -> dict[str, str]:
    """The settings in this environment that a caller of `up` may change."""
    return {name: environment[name] for name in OVERRIDABLE if name in environment}


def inherited_environment() -> dict[str, str]:
    """The little of our own environment that children see."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}


def gateway_url(ports: Ports) -> str:
    """The gateway's public address, as a browser would use it."""
    return f"http://localhost:{ports.gateway}"


def console_url(gateway: str) -> str:
    """The console's address on this gateway."""
    return f"{gateway}/console"


def sandbox_url(ports: Ports) -> str:
    """The sandbox's address: Graph, the OAuth dialog and its own `/_sandbox` pages."""
    return f"http://localhost:{ports.sandbox}"


def services(
    ports: Ports, credentials: Credentials, *, data_dir: Path, overrides: Mapping[str, str]
) -> tuple[Service, ...]:
    """All our processes, sandbox first; `overrides` win over every default of the services."""
    public_url = overrides.get("PUBLIC_URL", gateway_url(ports))
    redirect_url = overrides.get("META_REDIRECT_URL", f"{public_url}/meta/oauth/callback")
    meta = {
        "META_APP_ID": credentials.app_id,
        "META_APP_SECRET": credentials.app_secret,
        "META_REDIRECT_URL": redirect_url,
        "META_GRAPH_VERSION": "v25.0",
        "META_GRAPH_BASE_URL": sandbox_url(ports),
        "META_DIALOG_BASE_URL": sandbox_url(ports),
    }
    vault = {"TOKEN_KEYS": json.dumps(credentials.token_keys), "TOKEN_KEY_ID": credentials.token_key_id}
    own_settings = {
        META_AUTH: {**meta, **vault, "ALLOW_DEV_META": "true"},
        ADS_PUBLISHER: {**meta, "ALLOW_REAL_META_WRITE": "true"},
        # Everybody comes from one address here, and tests press more often than people do.
        GATEWAY: {
            "PUBLIC_URL": public_url,
            "APP_URL": console_url(public_url),
            **_built_console(),
            "MAIL_DIR": str(data_dir / "mail"),
            "SIGNUPS_PER_ADDRESS": "10000",
            "RUNS_PER_MINUTE": "10000",
        },
    }
    return (
        _sandbox(ports, credentials, data_dir=data_dir, redirect_url=redirect_url),
        *(
            _service(
                name, ports, {**_common(name, ports, credentials, data_dir=data_dir), **own, **overrides}
            )
            for name, own in own_settings.items()
        ),
    )


def _built_console() -> dict[str, str]:
    return {"CONSOLE_DIR": str(CONSOLE)} if (CONSOLE / "index.html").is_file() else {}


def _service(name: str, ports: Ports, env: Mapping[str, str]) -> Service:
    module = name.replace("-", "_")
    return Service(
        name=name,
        argv=(sys.executable, "-m", module, "run" if name == ADS_PUBLISHER else "serve"),
        env=env,
        ready_url=f"http://{HOST}:{asdict(ports)[module]}{'/health' if name == GATEWAY else '/health/ready'}",
        migrate_argv=(sys.executable, "-m", module, "migrate"),
    )


def metrics_url(name: str, ports: Ports) -> str:
    """Where a service shows its metrics."""
    return f"http://{HOST}:{_metrics_port(name, ports)}/metrics"


def spans_path(name: str, data_dir: Path) -> Path:
    """The file to which a service appends its spans, in OTLP's JSON encoding."""
    return data_dir / "traces" / f"{name}.jsonl"


def _metrics_port(name: str, ports: Ports) -> int:
    port: int = asdict(ports)[f"{name.replace('-', '_')}_metrics"]
    return port


def _common(name: str, ports: Ports, credentials: Credentials, *, data_dir: Path) -> dict[str, str]:
    role = name.replace("-", "_")

    def database_url(user: str) -> str:
        return f"postgresql://{user}:{credentials.role_passwords[user]}@{HOST}:{ports.postgres}/{DATABASE}"

    return {
        **inherited_environment(),
        "ENVIRONMENT": "development",
        "DATABASE_URL": database_url(role),
        "MIGRATION_DATABASE_URL": database_url(f"{role}_owner"),
        "REDIS_URL": redis_url(ports.valkey, name, credentials.redis_passwords),
        "LOG_LEVEL": "INFO",
        "LOG_FORMAT": "console",
        "HOST": HOST,
        "PORT": str(asdict(ports)[role]),
        "META_AUTH_URL": f"http://{HOST}:{ports.meta_auth}",
        "ADS_PUBLISHER_URL": f"http://{HOST}:{ports.ads_publisher}",
        "OTEL_EXPORTER_PROMETHEUS_HOST": HOST,
        "OTEL_EXPORTER_PROMETHEUS_PORT": str(_metrics_port(name, ports)),
        "SPANS_FILE": str(spans_path(name, data_dir)),
        "SERVICE_PRIVATE_KEY": credentials.service_keys[name].private,
        "SERVICE_PUBLIC_KEYS": credentials.public_keys_json,
        "PYTHONUNBUFFERED": "1",
    }


def _sandbox(ports: Ports, credentials: Credentials, *, data_dir: Path, redirect_url: str) -> Service:
    return Service(
        name=SANDBOX,
        argv=(sys.executable, "-m", "graph_sandbox", "--host", HOST, "--port", str(ports.sandbox)),
        env={
            **inherited_environment(),
            "SANDBOX_APP_ID": credentials.app_id,
            "SANDBOX_APP_SECRET": credentials.app_secret,
            "SANDBOX_REDIRECT_URIS": redirect_url,
            "SANDBOX_DEAUTHORIZE_URL": f"{gateway_url(ports)}/meta/deauthorize",
            "SANDBOX_DATA_DELETION_URL": f"{gateway_url(ports)}/meta/data-deletion",
            "SANDBOX_STATE": str(data_dir / "sandbox.json"),
            "PYTHONUNBUFFERED": "1",
        },
        ready_url=f"http://{HOST}:{ports.sandbox}/_sandbox/health",
    )
