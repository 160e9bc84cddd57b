"""What Windows lacks (polling of pipes, process groups, locks, sockets in files) is not needed to reach a device."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
from onnx import TensorProto, helper

from edgekit_targets.bundle import write_manifest
from edgekit_targets.files import sha256_of
from tests.edgekit.conftest import MakeArtifact, MakeManifest
from tests.edgekit.devices.conftest import Board

CONTROLLER = """
import os, select, signal, sys
from pathlib import Path

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in ("fcntl", "termios", "resource", "pwd", "grp"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
for module, names in [
    (select, ["poll", "epoll"]),
    (os, ["killpg", "getuid", "geteuid", "fork", "statvfs", "mkfifo"]),
    (signal, ["alarm", "setitimer", "SIGKILL"]),
]:
    for name in names:
        if hasattr(module, name):
            delattr(module, name)

from edgekit.devices import openssh
from edgekit.devices.address import Address
from edgekit.devices.openssh import Connection
from edgekit.devices.place import Place
from edgekit.devices.remote import agent_at, put_agent
from edgekit.profiling.plan import Plan
from edgekit.profiling.run import profile
from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.errors import AgentFailed
from edgekit_targets.progress import silent

Connection.__enter__ = lambda self: self  # no socket for a shared connection
with Connection(Address(host="board"), "board") as connection:
    assert not [word for word in connection.argv("true") if "Control" in word]
    place = Place(connection)
    with agent_at(place, put_agent(place)) as agent:
        plan = Plan(launches=1, rounds=1, samples=8, seconds=0.5, warmup_seconds=0.01)
        found = profile(Path(sys.argv[1]), agent, targets=["cpu"], plan=plan, progress=silent)
print([one.latency is not None for one in found.measurements])
try:
    with LocalAgent():
        pass
except AgentFailed as error:
    print(error)
"""


@pytest.mark.slow
def test_a_device_is_profiled_without_what_windows_lacks(
    board: Board, tmp_path: Path, make_artifact: MakeArtifact, make_manifest: MakeManifest
) -> None:
    board()
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    artifact = make_artifact()
    node = helper.make_node("ReduceMean", ["x"], ["logits"], keepdims=0)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "length", 12])
    graph = helper.make_graph([node], "mean", [x], [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    (bundle / artifact.file).write_bytes(model.SerializeToString())
    write_manifest(bundle, make_manifest((dataclasses.replace(artifact, sha256=sha256_of(bundle / artifact.file)),)))
    done = subprocess.run([sys.executable, "-c", CONTROLLER, str(bundle)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    measured, local = done.stdout.splitlines()
    assert measured == "[True]"
    assert "inside WSL" in local
