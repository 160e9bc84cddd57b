"""``ProxyCommand``: a slow line that breaks. ``lag.py HOST PORT BYTES_PER_SECOND CUT_AFTER_BYTES`` (0: never)."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time

PIECE = 16384


def up(line: socket.socket, rate: float, cut: float) -> None:
    """Standard input to the device, no faster than ``rate``; break after ``cut`` bytes."""
    sent, free = 0, time.monotonic()
    while piece := os.read(0, PIECE):
        if rate:
            free = max(free, time.monotonic()) + len(piece) / rate
            time.sleep(max(0.0, free - time.monotonic()))
        sent += len(piece)
        if cut and sent > cut:
            os._exit(1)
        try:
            line.sendall(piece)
        except OSError:
            os._exit(1)
    line.shutdown(socket.SHUT_WR)


def main() -> None:
    """Pump both ways until the device closes."""
    host, port, rate, cut = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    line = socket.create_connection((host, port))
    threading.Thread(target=up, args=(line, rate, cut), daemon=True).start()
    while piece := line.recv(PIECE):
        view = memoryview(piece)
        while view:
            view = view[os.write(1, view) :]


if __name__ == "__main__":
    main()
