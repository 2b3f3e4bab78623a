"""What the processes of the local stack are started with."""

from pathlib import Path

from local_stack.credentials import Credentials
from local_stack.ports import Ports
from local_stack.services import GATEWAY, services


def _gateway(folder: Path, **overrides: str) -> dict[str, str]:
    credentials = Credentials.load_or_create(folder / "secrets.json")
    known = services(Ports(gateway=3901), credentials, data_dir=folder, overrides=overrides)
    return dict(next(service.env for service in known if service.name == GATEWAY))


def test_meta_s_dialog_leads_back_to_the_console_that_the_gateway_serves(tmp_path: Path) -> None:
    assert _gateway(tmp_path)["APP_URL"] == "http://localhost:3901/console"
    public = _gateway(tmp_path, PUBLIC_URL="https://ads.example.com")
    assert public["APP_URL"] == "https://ads.example.com/console"


def test_it_leads_to_a_frontend_of_one_s_own_when_that_is_named(tmp_path: Path) -> None:
    assert _gateway(tmp_path, APP_URL="http://localhost:3000")["APP_URL"] == "http://localhost:3000"
