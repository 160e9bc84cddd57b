import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.devices.address import Address, parse_address
from edgekit_targets.errors import InputError

WORDS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,12}", fullmatch=True)
HOSTS = WORDS | st.ip_addresses(v=6).map(str)


@given(HOSTS, st.none() | WORDS, st.none() | st.integers(1, 65535))
def test_addresses_come_back_as_written(host: str, user: str | None, port: int | None) -> None:
    address = Address(host=host, user=user, port=port)
    assert parse_address(str(address), "--device") == address


def test_local() -> None:
    assert parse_address("local", "--device") == Address()
    assert str(Address()) == "local"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pi",
        "pi@host",
        "http://host",
        "ssh:host",
        "ssh://",
        "ssh://@host",
        "ssh://pi@",
        "ssh://pi@:22",
        "ssh://host:",
        "ssh://host:0",
        "ssh://host:65536",
        "ssh://host:ssh",
        "ssh://host/home",
        "ssh://host?x=1",
        "ssh://host#x",
        "ssh://host name",
        "ssh://-oProxyCommand=touch",
        "ssh://-l@host",
        "ssh://a@b@host",
        "ssh://::1",
        "ssh://host;reboot",
        "ssh://$(reboot)",
        "ssh://host\nsecond",
    ],
)
def test_anything_else_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(InputError, match=r"--device: .* is no address"):
        parse_address(text, "--device")


def test_a_password_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="no password") as error:
        parse_address("ssh://pi:raspberry@host", "--device")
    assert "raspberry" not in str(error.value)


@given(st.text())
def test_no_text_is_a_bug(text: str) -> None:
    for address in (text, f"ssh://{text}"):
        try:
            host = parse_address(address, "--device").host
        except InputError:
            continue
        assert host is None or not host.startswith("-")
