# SPDX-License-Identifier: Apache-2.0
"""ZMTP 3 over a bare TCP socket: a peer that does what no ZeroMQ library lets one do.

It claims any routing id, never reads, sends parts without an end, or stops in the middle of a
handshake. Mechanism NULL only; attacks with keys use pyzmq. One thread; every wait has a limit.
"""

import select
import socket
import struct
import threading

MORE, LONG, COMMAND = 1, 2, 4
WAIT_SECONDS_MAX = 60

GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32)


def address(endpoint):
    host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
    return host, int(port)


def part(body, flags=0):
    """One frame of ZMTP, as it stands on the wire."""
    if len(body) > 255:
        return struct.pack(">BQ", flags | LONG, len(body)) + body
    return struct.pack(">BB", flags, len(body)) + body


def ready(identity=b"", socket_type=b"DEALER"):
    """The command that ends the handshake."""
    properties = b"".join(
        bytes([len(name)]) + name + struct.pack(">I", len(value)) + value
        for name, value in ((b"Socket-Type", socket_type), (b"Identity", identity)))
    return part(b"\x05READY" + properties, COMMAND)


class Closed(Exception):
    """The other side has ended the connection."""


class Peer:
    """One connection, handshake included unless told otherwise."""

    def __init__(self, address, identity=b"", handshake=True, timeout_s=30.0, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout_s)
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""
        if handshake:
            self.socket.sendall(GREETING + ready(identity))
            self._take(64)
            self.receive()

    def send(self, body, flags=0):
        self.socket.sendall(part(body, flags))

    def _take(self, count):
        while len(self._rest) < count:
            chunk = self.socket.recv(1 << 16)
            if not chunk:
                raise Closed
            self._rest += chunk
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def receive(self):
        """The next frame of ZMTP: its flags and its body. Pings are answered on the way."""
        while True:
            flags = self._take(1)[0]
            size = struct.unpack(">Q", self._take(8))[0] if flags & LONG else self._take(1)[0]
            body = self._take(size)
            if flags & COMMAND and body.startswith(b"\x04PING"):
                self.send(b"\x04PONG" + body[7:], COMMAND)
                continue
            return flags, body

    def discard(self):
        """Reads and forgets all that comes from now on, beside the caller."""
        def read():
            try:
                while self.socket.recv(1 << 20):
                    pass
            except OSError:
                pass  # closed, by either side: that is how it ends
        threading.Thread(target=read, daemon=True).start()

    def close(self, reset=False):
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def wait_until_ended(connection):
    """Until the node ends the connection."""
    connection.settimeout(WAIT_SECONDS_MAX)
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass


def send_until_ended(connection, octets, times):
    """Sends them again and again until the node ends the connection. Returns whether it did before
    all were sent.

    A plain send would go on waiting for room that never comes: what is not read yet closes TCP's
    window, and the end behind it takes a minute to be an error.
    """
    connection.setblocking(False)
    for _ in range(times):
        left = memoryview(octets)
        while left:
            said, room, _ = select.select([connection], [connection], [], WAIT_SECONDS_MAX)
            try:
                if said and not connection.recv(65536):
                    return True
                if room:
                    left = left[connection.send(left):]
            except BlockingIOError:
                continue
            except ConnectionError:
                return True
            if not said and not room:
                raise TimeoutError("the node neither reads nor ends the connection")
    return False
