"""The process that holds one model. It speaks the agent's own protocol, so the agent only passes lines on.

What it imports is part of every figure of process memory, so that is little; the agent has checked the file's hash
already, because hashlib alone (OpenSSL) takes 4 MB.
"""

from __future__ import annotations

import dataclasses
import signal
import sys
from typing import Any, BinaryIO

from edgekit_targets.agent.lines import claim_stdout
from edgekit_targets.agent.model import Model
from edgekit_targets.agent.overhead import call_seconds
from edgekit_targets.agent.protocol import Evaluate, Open, Run
from edgekit_targets.agent.wire import failure, read_request, write_reply
from edgekit_targets.errors import EdgekitError, InputError
from edgekit_targets.hardware.surroundings import System
from edgekit_targets.measure.clock import RealClock
from edgekit_targets.measure.process_peak import choose_meter
from edgekit_targets.runtimes import find


class Worker:
    """Answers requests about the one model it opens."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._model: Model | None = None

    def answer(self, request: Any) -> Any:
        """The reply to one request.

        Raises:
            EdgekitError: what the request got wrong, or met.
        """
        if isinstance(request, Open):
            if self._model is not None:
                raise InputError("this worker holds a model already")
            target, clock = find(request.target), RealClock()
            meter = target.device_meter()
            model = Model(target, clock, choose_meter(), System() if meter is None else System(meter.conditions))
            reply = model.open(request)
            self._model = model
            return dataclasses.replace(reply, call_seconds=call_seconds(target, request.options, clock))
        if self._model is None:
            raise InputError("open a model first")
        if isinstance(request, Run):
            return self._model.run(request)
        if isinstance(request, Evaluate):
            return self._model.evaluate(request)
        raise InputError(f"a worker does not answer {type(request).__name__.lower()}")


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer line by line until the input ends. Whatever is no :class:`EdgekitError` ends the process: it is a bug."""
    worker = Worker()
    for line in source:
        number, request = read_request(line)
        try:
            reply = worker.answer(request)
        except EdgekitError as error:
            reply = failure(error)
        sink.write(write_reply(number, reply))
        sink.flush()


def main() -> None:
    """Serve standard input and output. Ctrl-C ends the process without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    serve(sys.stdin.buffer, claim_stdout())


if __name__ == "__main__":
    main()
