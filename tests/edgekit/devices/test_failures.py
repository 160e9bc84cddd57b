"""The words are those of OpenSSH 9.2."""

from __future__ import annotations

import pytest

from edgekit.devices.address import Address
from edgekit.devices.failures import DeviceLost, explain
from edgekit_targets.errors import InputError

PI = Address(host="pi.local", user="me", port=2222)
CHANGED = """@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
Host key verification failed.
"""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("ssh: Could not resolve hostname pi.local: Name or service not known", "does not resolve"),
        ("ssh: connect to host pi.local port 2222: Connection refused", "sudo systemctl start ssh"),
        ("me@pi.local: Permission denied (publickey,password).", "ssh-copy-id -p 2222 me@pi.local"),
        ("No ED25519 host key is known for pi.local\nHost key verification failed.", "log in once by hand"),
        (CHANGED, r"ssh-keygen -R '\[pi.local\]:2222'"),
        ("ssh: connect to host pi.local port 22: No route to host", "cannot be reached from this network"),
        ("command-line: line 0: Bad configuration option: foo", "Bad configuration option"),
    ],
)
def test_what_the_user_must_mend_is_named_with_the_remedy(said: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        raise explain("pi", PI, said)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("pi ")


@pytest.mark.parametrize(
    "said",
    [
        "",
        "Connection to pi.local closed by remote host.",
        "Timeout, server pi.local not responding.",
        "ssh: connect to host pi.local port 22: Connection timed out",
        "Connection timed out during banner exchange",
        "client_loop: send disconnect: Broken pipe",
        "something new that nobody has seen",
    ],
)
def test_what_may_pass_is_a_lost_device(said: str) -> None:
    with pytest.raises(DeviceLost, match="pi"):
        raise explain("pi", PI, said)
