import socket
from collections.abc import Iterator

import pytest

from local_stack.ports import PortBusyError, Ports, PortSettingError, free_port, is_busy


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port()))
        listener.listen()
        port: int = listener.getsockname()[1]
        yield port


def test_a_busy_port_is_named_together_with_the_variable_that_moves_it(taken_port: int) -> None:
    ports = Ports.from_environment({"PORT_META_AUTH": str(taken_port), **_free("GATEWAY", "ADS_PUBLISHER")})
    with pytest.raises(PortBusyError) as caught:
        ports.require_free()
    assert f"{taken_port} (meta-auth)" in str(caught.value)
    assert "PORT_META_AUTH=" in str(caught.value)
    assert "PORT_GATEWAY" not in str(caught.value)


def test_only_the_busy_ports_are_replaced(taken_port: int) -> None:
    ports = Ports.from_environment(
        {**_free("GATEWAY", "META_AUTH", "ADS_PUBLISHER"), "PORT_SANDBOX": str(taken_port)}
    )
    replaced = ports.with_busy_replaced()
    assert replaced.sandbox != taken_port
    assert replaced.gateway == ports.gateway
    assert not is_busy(replaced.sandbox)


@pytest.mark.parametrize("text", ["abc", "0", "65536", "-1", "3001 "])
def test_a_setting_that_is_no_port_number_is_refused_by_name(text: str) -> None:
    with pytest.raises(PortSettingError, match="PORT_GATEWAY"):
        Ports.from_environment({"PORT_GATEWAY": text})


def test_a_set_of_free_ports_has_no_port_twice() -> None:
    ports = Ports.free()
    assert (
        len(
            {ports.gateway, ports.meta_auth, ports.ads_publisher, ports.sandbox, ports.postgres, ports.valkey}
        )
        == 6
    )


def _free(*names: str) -> dict[str, str]:
    return {f"PORT_{name}": str(free_port()) for name in names}
