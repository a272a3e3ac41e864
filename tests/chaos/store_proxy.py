# SPDX-License-Identifier: Apache-2.0
"""The way to PostgreSQL, on which answers are lost and requests come late.

A proxy that follows the protocol (version 3) far enough to know where a transaction has ended. It
holds the answers to a write back until the server says that it is ready again, which it does when the
write is committed, and then ends the connection without them; or it ends the connection of a node that
has sent a write, and gives the write to the server some time later, when the node has looked whether it
is there.
"""

import select
import socket
import struct
import threading
import time

CHUNK = 1 << 16
WRITES = (b"UPDATE ", b"INSERT ")
PREPARED = (b"update\0", b"insert\0")


class Messages:
    """Cuts a stream into messages: a type of one byte, and a length that counts itself."""

    def __init__(self, typed=True):
        self._rest, self._typed = b"", typed

    def feed(self, data):
        self._rest += data
        while True:
            at = 1 if self._typed else 0  # the first message of a client has no type
            if len(self._rest) < at + 4:
                return
            size = at + struct.unpack_from("!I", self._rest, at)[0]
            if len(self._rest) < size:
                return
            message, self._rest = self._rest[:size], self._rest[size:]
            typed, self._typed = self._typed, True
            yield (message[:1] if typed else b""), message


def wrote(kind, message):
    """Whether the message says that some row was written."""
    return (kind == b"C" and message[5:].startswith(WRITES)
            and not message.rstrip(b"\0").endswith(b" 0"))


def is_write(kind, message):
    """Whether a client has one of the store's own statements executed that write."""
    if kind != b"B":
        return False
    portal_end = message.index(b"\0", 5) + 1
    return message[portal_end:].startswith(PREPARED)


class StoreProxy:
    """Use it in a `with` statement."""

    def __init__(self, address, port):
        self._to = (address, port)
        self._lock = threading.Lock()
        self._met = threading.Condition(self._lock)
        self._to_lose = self._to_delay = 0
        self._delay_s = 0.0
        self.lost = self.delayed = 0
        self._ends = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = []

    def __enter__(self):
        self._start(self._accept)
        return self

    def __exit__(self, *_):
        self._ends.set()
        for each in list(self._threads):
            each.join(10)
        self._listener.close()

    def lose_answer(self):
        """The next write is committed, and who asked for it is not told."""
        with self._lock:
            self._to_lose += 1

    def delay_write(self, seconds):
        """The next write comes to the server so much later, when its connection has long ended."""
        with self._lock:
            self._to_delay += 1
            self._delay_s = seconds

    def await_met(self, seconds):
        """Until a write has met each fault; those that none meets in time are taken back. Returns
        whether all were met."""
        with self._met:
            met = self._met.wait_for(lambda: self._to_lose + self._to_delay == 0, seconds)
            self._to_lose = self._to_delay = 0
            return met

    def _armed(self):
        with self._lock:
            return self._to_lose > 0

    def _take(self, name):
        with self._lock:
            if getattr(self, name) == 0:
                return False
            setattr(self, name, getattr(self, name) - 1)
            self._met.notify_all()
            return True

    def _start(self, run, *arguments):
        thread = threading.Thread(target=run, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        self._listener.settimeout(0.1)
        while not self._ends.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            try:
                server = socket.create_connection(self._to, timeout=5)
            except OSError:
                client.close()  # as the server's machine would answer
                continue
            server.settimeout(None)
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._start(self._carry, client, server)

    def _carry(self, client, server):
        """One connection, until either end ends it or its answer is lost."""
        from_client, from_server = Messages(typed=False), Messages()
        held, holding, has_written, between = b"", False, False, True
        requests = b""  # since the last sync
        try:
            while not self._ends.is_set():
                ready, _, _ = select.select([client, server], [], [], 0.1)
                if client in ready:
                    data = client.recv(CHUNK)
                    if not data:
                        return
                    write = False
                    for kind, message in from_client.feed(data):
                        write = write or is_write(kind, message)
                        requests = b"" if kind == b"S" else requests + message
                    # The whole request has to be here, and nothing of it there already.
                    if write and not requests and between and self._take("_to_delay"):
                        client.close()
                        self.delayed += 1
                        time.sleep(self._delay_s)
                        server.sendall(data)
                        self._drain(server)
                        return
                    server.sendall(data)
                    between = False
                if server in ready:
                    data = server.recv(CHUNK)
                    if not data:
                        return
                    for kind, message in from_server.feed(data):
                        if not held and not holding:
                            holding = self._armed()
                        has_written = has_written or wrote(kind, message)
                        if not holding:
                            client.sendall(message)
                        else:
                            held += message
                        if kind != b"Z":
                            continue
                        between = True
                        if holding and has_written and self._take("_to_lose"):
                            self.lost += 1
                            return
                        if held:
                            client.sendall(held)
                        held, holding, has_written = b"", False, False
        except OSError:
            return  # one end has gone
        finally:
            client.close()
            server.close()

    @staticmethod
    def _drain(server):
        """Until the server has done what it was sent."""
        messages = Messages()
        server.settimeout(10)
        while True:
            data = server.recv(CHUNK)
            if not data or any(kind == b"Z" for kind, _ in messages.feed(data)):
                return
