"""A model that follows its releases: python infer.py ~/.edgekit/models/model/current, then lines of {"x": [[...]]}.

Needs onnxruntime alone. What is current was verified before it became so; edgekit_targets.releases.loader verifies it
once more when it is opened. Where a restart came before a release was confirmed, the one before it is opened.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime


class Model:
    def __init__(self, current):
        self.current, self.link = Path(current), None

    def load(self, link):
        self.link, note = link, self.current.with_name("accepted.json")
        new = (json.loads(note.read_text())["pending"] if note.exists() else None) or {"release": None}
        if new["release"] == link.name and new["boot_id"] not in Path("/proc/sys/kernel/random/boot_id").read_text():
            link = link.with_name(str(new["current"]))  # a restart came before it was confirmed
        folder = self.current.parent / link  # stays one release, wherever current points by now
        release = json.loads((folder / "release.json").read_text())
        session, asked = release["session"], release["session"]["options"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.enable_cpu_mem_arena = asked["threads"], asked["arena"]
        options.add_session_config_entry("session.intra_op.allow_spinning", str(int(asked["spinning"])))
        self.ports = ports = {port["name"]: port for port in release["inputs"]}
        self.sizes = {a: n for name, shape in session["shapes"].items() for a, n in zip(ports[name]["shape"], shape)}
        for axis in [one for one in self.sizes if isinstance(one, str) and asked["fixed_shapes"]]:
            options.add_free_dimension_override_by_name(axis, self.sizes[axis])
        self.session = onnxruntime.InferenceSession(folder / "model.onnx", options, ["CPUExecutionProvider"])
        self.carried, self.states, self.outputs = {}, release["states"], [port["name"] for port in release["outputs"]]
        self.reset()

    def reset(self):
        for s in self.states:
            self.carried[s["input"]] = np.full([self.sizes.get(n, n) for n in s["shape"]], s["initial"], s["dtype"])

    def __call__(self, feeds):
        if (link := self.current.readlink()) != self.link:  # a switch; a stream starts anew
            self.load(link)
        feeds = {name: np.asarray(value, self.ports[name]["dtype"]) for name, value in feeds.items()}
        answers = dict(zip(self.outputs, self.session.run(self.outputs, feeds | self.carried)))
        self.carried = {one["input"]: answers.pop(one["output"]) for one in self.states}
        return answers


if __name__ == "__main__":
    model = Model(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps({name: value.tolist() for name, value in model(json.loads(line)).items()}), flush=True)
