"""An agent on a device behind ssh: the same agent, the same protocol, and files that go there before they are named.

The agent ends when its input does: with this process, with the connection, or with the device; and soon after the line
to it has died without a word.
"""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from edgekit.devices.address import Address
from edgekit.devices.failures import DeviceLost
from edgekit.devices.openssh import Connection
from edgekit.devices.package import agent_bytes
from edgekit.devices.place import Place
from edgekit.devices.snippets import MARK
from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.agent.protocol import Enforce, Evaluate, Evaluated, Idle, Idled, Open, Opened, Ran, Run, Welcome
from edgekit_targets.agent.silence import BEAT_SECONDS, SILENCE_SECONDS, VARIABLE
from edgekit_targets.errors import AgentGone
from edgekit_targets.files import sha256_of, write_atomic
from edgekit_targets.types.profile import Enforced

DEFAULT_RUNTIME = "default"
_HASH_LETTERS = 16
_CONTROLLER = secrets.token_hex(8)
"""This process, to the agents that it starts: it may end those that a broken line has left behind."""
Answer = TypeVar("Answer")


@contextmanager
def remote_agent(
    address: Address, name: str, runtime: str = DEFAULT_RUNTIME, folder: str | None = None
) -> Iterator[RemoteAgent]:
    """An agent on the device called ``name``, with the packages that ``device setup`` put there as ``runtime``.

    Raises:
        InputError: the device cannot be reached, has no Python that will do, or no room.
        DeviceLost: it does not answer.
    """
    with Connection(address, name) as connection:
        place = Place(connection, folder)
        with agent_at(place, put_agent(place), runtime) as agent:
            yield agent


@contextmanager
def agent_at(place: Place, file: str, runtime: str = DEFAULT_RUNTIME) -> Iterator[RemoteAgent]:
    """The agent at ``file`` of a device that is reached already."""
    argv = place.argv(start_command(place, file, runtime))
    with LocalAgent(argv, after=MARK, beat_seconds=BEAT_SECONDS) as agent:
        yield RemoteAgent(agent, place)


def put_agent(place: Place) -> str:
    """Send the agent of this version, once; gives its path there."""
    code = agent_bytes()
    return place.put(code, "agent", f"edgekit-agent-{hashlib.sha256(code).hexdigest()[:_HASH_LETTERS]}.pyz")


def start_command(place: Place, file: str, runtime: str = DEFAULT_RUNTIME) -> str:
    """The line for the device's shell that starts the agent; whatever the shell says before the mark is skipped."""
    # ONNX Runtime keeps a cache of its own below the home folder otherwise, where nobody would look for it.
    variables = {
        "PYTHONPATH": place.path("runtimes", runtime),
        "XDG_CACHE_HOME": place.path("cache"),
        VARIABLE: str(SILENCE_SECONDS),
    }
    told = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
    return f"echo; echo {MARK}; {told} exec python3 {shlex.quote(file)}"


class RemoteAgent:
    """Speaks to the agent there; files named in requests lie here and are sent first, each once, by hash."""

    def __init__(self, agent: LocalAgent, place: Place) -> None:
        """Take over an agent that was started, and the folder on its device."""
        self._agent, self._place = agent, place
        self._sent: dict[Path, str] = {}
        # By name too: one machine under two names would be two controllers, the second of which must not end the first.
        self._controller = hashlib.sha256(f"{_CONTROLLER} {place.name}".encode()).hexdigest()[:_HASH_LETTERS]

    def hello(self, *, exclusive: bool = False) -> Welcome:
        """As the agent's, under the name that the device has here."""
        welcome = self._told(lambda: self._agent.hello(exclusive=exclusive, controller=self._controller))
        return dataclasses.replace(welcome, device=dataclasses.replace(welcome.device, name=self._place.name))

    def open(self, request: Open) -> Opened:
        """Send the model and its golden arrays where they are not there yet, then load."""
        return self._told(lambda: self._agent.open(self._there(request)))

    def run(self, request: Run) -> Ran:
        """Time one slice."""
        return self._told(lambda: self._agent.run(request))

    def evaluate(self, request: Evaluate) -> Evaluated:
        """Send the inputs, compute, and fetch the outputs; neither stays there."""
        inputs = self._place.put(Path(request.inputs), "scratch", f"{request.handle}.inputs.npz")
        outputs = self._place.path("scratch", f"{request.handle}.outputs.npz")
        there = dataclasses.replace(request, inputs=inputs, outputs=outputs)
        found = self._told(lambda: self._agent.evaluate(there))
        write_atomic(Path(request.outputs), self._place.get(outputs))
        self._place.remove([inputs, outputs])
        return found

    def idle(self, request: Idle) -> Idled:
        """Tell the energy of doing nothing."""
        return self._told(lambda: self._agent.idle(request))

    def enforce(self, request: Enforce) -> Enforced:
        """Run one model inside a memory limit."""
        there = dataclasses.replace(request, model=self._there(request.model))
        return self._told(lambda: self._agent.enforce(there))

    def close(self, handle: str) -> None:
        """End one worker."""
        self._told(lambda: self._agent.close(handle))

    def _there(self, request: Open) -> Open:
        golden = None if request.golden is None else self._send(Path(request.golden))
        return dataclasses.replace(request, file=self._send(Path(request.file)), golden=golden)

    def _send(self, path: Path) -> str:
        if path not in self._sent:
            self._sent[path] = self._place.put(path, "store", f"{sha256_of(path)[:_HASH_LETTERS]}{path.suffix}")
        return self._sent[path]

    def _told(self, ask: Callable[[], Answer]) -> Answer:
        """What the agent answers; one that is gone is a lost device, which trying again may find."""
        try:
            return ask()
        except AgentGone as error:
            raise DeviceLost(f"the connection to {self._place.name} broke: {error}") from error
