"""What the processes of the local stack are started with."""

import subprocess
import sys
from pathlib import Path

import pytest

from local_stack.credentials import Credentials
from local_stack.ports import Ports
from local_stack.services import GATEWAY, services


def _gateway(folder: Path, **overrides: str) -> dict[str, str]:
    credentials = Credentials.load_or_create(folder / "secrets.json")
    known = services(Ports(gateway=3901), credentials, data_dir=folder, overrides=overrides)
    return dict(next(service.env for service in known if service.name == GATEWAY))


@pytest.mark.parametrize("package", ["gateway", "meta_auth", "ads_publisher"])
def test_a_process_that_serves_does_not_hold_what_migrates(package: str) -> None:
    code = f"import sys, {package}.__main__; print({{'alembic', 'sqlalchemy'}} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own words
    assert told.stdout == "set()\n"


@pytest.mark.parametrize("package", ["gateway", "meta_auth", "ads_publisher"])
def test_a_process_without_a_collector_does_not_hold_what_talks_to_one(package: str) -> None:
    code = (
        f"import sys, {package}.__main__; from chassis.settings import ServiceSettings as Settings;"
        " from chassis.telemetry import setup_telemetry; setup_telemetry('x', Settings());"
        " print({'opentelemetry.exporter.otlp', 'google.protobuf'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={})  # noqa: S603 - our own words
    assert told.stdout == "set()\n"


def test_meta_auth_holds_one_http_client_library() -> None:
    code = "import sys, meta_auth.__main__; print({'httpx', 'httpcore'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own words
    assert told.stdout == "set()\n"


def test_meta_s_dialog_leads_back_to_the_console_that_the_gateway_serves(tmp_path: Path) -> None:
    assert _gateway(tmp_path)["APP_URL"] == "http://localhost:3901/console"
    public = _gateway(tmp_path, PUBLIC_URL="https://ads.example.com")
    assert public["APP_URL"] == "https://ads.example.com/console"


def test_it_leads_to_a_frontend_of_one_s_own_when_that_is_named(tmp_path: Path) -> None:
    assert _gateway(tmp_path, APP_URL="http://localhost:3000")["APP_URL"] == "http://localhost:3000"
