"""edgekit: settle LSTM or Transformer per device budget, with evidence, and ship the ONNX file that was measured.

import edgekit

edgekit.export("lstm", "transformer", data="aeon:JapaneseVowels", out="bundle")
edgekit.profile("bundle", targets=["cpu"])
verdict = edgekit.pick("bundle", "p99=20ms, memory=64MiB, accuracy=0.9")
"""

from edgekit.api.export import export
from edgekit.api.pick import pick
from edgekit.api.profile import profile
from edgekit_targets import __version__

__all__ = ["__version__", "export", "pick", "profile"]
