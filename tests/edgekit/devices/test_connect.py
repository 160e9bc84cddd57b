import pytest

from edgekit.devices.address import Address
from edgekit.devices.connect import connect, find_address, name_in_profiles
from edgekit.project.contract import OwnDevice
from edgekit_targets.errors import InputError

PI = Address(host="raspberrypi.local", user="pi")
OWN = {
    "bench": OwnDevice(name="bench", address=Address(), catalogue=None),
    "kitchen-pi": OwnDevice(name="kitchen-pi", address=PI, catalogue="raspberry-pi-5"),
}


def test_names_and_addresses_are_found() -> None:
    assert find_address("local", {}) == Address()
    assert find_address("bench", OWN) == Address()
    assert find_address("kitchen-pi", OWN) == PI
    assert find_address("ssh://pi@raspberrypi.local", OWN) == PI


def test_the_nearest_names_are_offered() -> None:
    with pytest.raises(InputError, match=r"--device 'kitchenpi' is unknown; did you mean kitchen-pi\?"):
        find_address("kitchenpi", OWN)
    with pytest.raises(InputError, match=r"--device 'pi' is unknown; known are local"):
        find_address("pi", {})


def test_a_device_that_cannot_be_found_is_one_line() -> None:
    with pytest.raises(InputError, match=r"no-such-host.invalid does not resolve"):  # noqa: SIM117
        with connect("ssh://no-such-host.invalid", OWN):
            pass


def test_a_name_of_this_machine_is_an_agent_here() -> None:
    with connect("bench", OWN) as agent:
        assert agent.hello().device.name == "local"
    assert name_in_profiles("bench", OWN) == "local"
    assert name_in_profiles("kitchen-pi", OWN) == "kitchen-pi"
    assert name_in_profiles("local", OWN) == "local"
