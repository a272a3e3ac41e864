# SPDX-License-Identifier: Apache-2.0
"""ZMTP 3.0 with the NULL mechanism by hand, for tests that do what no ZeroMQ library lets them.

What C++ tests have in tests/support/zmtp_peer.hpp.
"""

import select
import socket
import struct

MORE, LONG, COMMAND = 1, 2, 4
WAIT_SECONDS_MAX = 60


def address(endpoint):
    host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
    return host, int(port)


def frame(payload, flags=0):
    if len(payload) <= 255:
        return bytes([flags, len(payload)]) + payload
    return bytes([flags | LONG]) + struct.pack(">Q", len(payload)) + payload


def _property(name, value):
    return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value


def _read(connection, count):
    octets = b""
    while len(octets) < count:
        chunk = connection.recv(count - len(octets))
        if not chunk:
            raise ConnectionError("the node has ended the connection")
        octets += chunk
    return octets


def connect(endpoint, routing_id=b""):
    """A socket on which messages may be sent, as `frame` makes them."""
    connection = socket.create_connection(address(endpoint), WAIT_SECONDS_MAX)
    try:
        greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
        connection.sendall(greeting)
        _read(connection, len(greeting))
        ready = b"\5READY" + _property(b"Socket-Type", b"DEALER")
        if routing_id:
            ready += _property(b"Identity", routing_id)
        connection.sendall(frame(ready, COMMAND))
        _read(connection, _read(connection, 2)[1])
    except BaseException:
        connection.close()
        raise
    return connection


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
