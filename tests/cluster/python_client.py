# SPDX-License-Identifier: Apache-2.0
"""A Dunlin client in Python, written from sdk/WIRE.md and nothing else.

It exists to show that the page is enough, and to talk to nodes in ways that the C++ client would
not: wrong versions, torn frames, no handshake. It keeps to one connection and one thread, and
never waits without a limit: a wait that ends in vain says what it waited for.
"""

import time

import msgpack
import zmq

HELLO, WELCOME, INVOKE, REPLY, FAILURE, CANCEL, PING, PONG, GOAWAY, BYE = range(10)
SENT = 14
COLD = 15

INVALID_ARGUMENT = 2
NOT_FOUND = 3
UNAUTHENTICATED = 4
DEADLINE_EXCEEDED = 6
CANCELLED = 7
OVERLOADED = 8
UNAVAILABLE = 9

KIND_NAMES = ("hello", "welcome", "invoke", "reply", "failure", "cancel", "ping", "pong", "goaway",
              "bye")

# What a reader puts in place of elements that the sender left off, by kind.
DEFAULTS = {
    WELCOME: [None, None, 0, "", 16 << 20, 0, []],
    FAILURE: [None, None, None, "", 0, False],
    GOAWAY: [None, None, ""],
}


def hello(name="", version_min=1, version_max=1):
    return [HELLO, "dunlin", version_min, version_max, 0, 0, name]


def invoke(call_id, function, payload, remaining_us=10_000_000, key=None, trace=None, attempt=0,
           retries_left=0):
    """`payload` is bytes: one msgpack value."""
    return [INVOKE, call_id, function, remaining_us, 0, attempt, retries_left, key, trace, payload]


def cancel(call_id):
    return [CANCEL, call_id]


def ping(token):
    return [PING, token]


def sent():
    """When the envelopes behind it are sent."""
    return [SENT, time.monotonic_ns() // 1000]


def bye():
    return [BYE]


def encode(*envelopes):
    """The bytes of one frame."""
    return b"".join(msgpack.packb(each, use_bin_type=True) for each in envelopes)


def decode(frame):
    """The envelopes of one frame, as lists that have all their elements. Text that is no UTF-8 is an
    error: a node sends none."""
    unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, max_buffer_size=len(frame) or 1)
    unpacker.feed(frame)
    envelopes = []
    for each in unpacker:
        if not isinstance(each, list) or not each or not isinstance(each[0], int):
            raise ValueError(f"not an envelope: {each!r}")
        envelopes.append(each + DEFAULTS.get(each[0], [])[len(each):])
    if unpacker.tell() != len(frame):
        raise ValueError(f"the frame ends inside an envelope, {unpacker.tell()} bytes in")
    return envelopes


class Timeout(Exception):
    """Something that was waited for did not come."""


class Answer:
    """How a call ended: `payload` if it has a value, otherwise `code` and `detail`."""

    def __init__(self, envelope):
        self.kind = envelope[0]
        self.call_id = envelope[1]
        self.payload = envelope[2] if self.kind == REPLY else None
        self.code = envelope[2] if self.kind == FAILURE else None
        self.detail = envelope[3] if self.kind == FAILURE else None
        self.did_not_run = envelope[5] if self.kind == FAILURE else None

    @property
    def value(self):
        """The reply's payload, unpacked."""
        if self.kind != REPLY:
            raise ValueError(repr(self))
        return msgpack.unpackb(self.payload, raw=False, strict_map_key=False)

    def __repr__(self):
        if self.kind == REPLY:
            return f"<reply to {self.call_id}: {len(self.payload)} bytes>"
        return f"<failure of {self.call_id}: code {self.code}, {self.detail!r}>"


class Client:
    """One connection to one lane."""

    def __init__(self, endpoint, name="python", timeout_s=10.0, say_hello=True):
        self.timeout_s = timeout_s
        self.name = name
        self.node = None
        self.payload_bytes_max = None
        self.in_flight_max = None
        self.endpoints = []
        self.pings = 0  # that the node sent
        self.cold_starts = set()  # ids of calls that paid for one
        self._next_id = 1
        self._inbox = []  # envelopes received and not yet asked for
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RECONNECT_IVL, -1)
        self._socket.connect(endpoint)
        if say_hello:
            self.handshake()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self, polite=True):
        """Not polite: the connection ends as when the process dies."""
        if self._socket is None:
            return
        if polite:
            self._socket.setsockopt(zmq.LINGER, 1000)
            self.send(bye())
        self._socket.close()
        self._socket = None
        self._context.term()

    # -- the connection ----------------------------------------------------------------------

    def handshake(self):
        self.send(hello(self.name), sent())
        welcome = self.expect(WELCOME)
        _, version, _, self.node, self.payload_bytes_max, self.in_flight_max, self.endpoints = (
            welcome[:7])
        if version != 1:
            raise ValueError(f"the node chose version {version}")
        return welcome

    def send(self, *envelopes):
        """All in one frame."""
        self.send_frame(encode(*envelopes))

    def send_frame(self, frame):
        self.send_parts([frame])

    def send_parts(self, parts):
        # It does not wait for long either when the connection ends before it sends.
        self._socket.setsockopt(zmq.SNDTIMEO, int(self.timeout_s * 1000))
        try:
            self._socket.send_multipart(parts)
        except zmq.Again:
            raise Timeout("the node does not take messages") from None

    def ping(self, token=1):
        """Returns when everything sent before has been read by the node."""
        self.send(ping(token))
        self.take(lambda each: each[:2] == [PONG, token], f"a pong with token {token}")

    # -- calls -------------------------------------------------------------------------------

    def new_id(self):
        self._next_id += 1
        return self._next_id - 1

    def start(self, function, value=None, **options):
        """Sends an invoke whose payload is `value`, packed; returns its id."""
        call_id = self.new_id()
        payload = msgpack.packb(value, use_bin_type=True)
        self.send(sent(), invoke(call_id, function, payload, **options))
        return call_id

    def answer_to(self, call_id):
        return Answer(self.take(lambda each: each[0] in (REPLY, FAILURE) and each[1] == call_id,
                                f"the answer to call {call_id}"))

    def call(self, function, value=None, **options):
        return self.answer_to(self.start(function, value, **options))

    # -- receiving ---------------------------------------------------------------------------

    def expect(self, kind):
        return self.take(lambda each: each[0] == kind, f"a {KIND_NAMES[kind]}")

    def take(self, wanted, what):
        """The first envelope for which `wanted` holds; the others stay for later."""
        deadline = time.monotonic() + self.timeout_s
        looked_at = 0
        while True:
            for i in range(looked_at, len(self._inbox)):
                if wanted(self._inbox[i]):
                    return self._inbox.pop(i)
            looked_at = len(self._inbox)
            left_ms = int((deadline - time.monotonic()) * 1000)
            if left_ms <= 0 or not self._socket.poll(left_ms):
                raise Timeout(f"waited {self.timeout_s} s for {what}; there are {self._inbox!r}")
            parts = self._socket.recv_multipart()
            if len(parts) != 1:
                raise ValueError(f"a message of {len(parts)} parts")
            for envelope in decode(parts[0]):
                if envelope[0] == PING:  # at any time
                    self.pings += 1
                    self.send([PONG, envelope[1]])
                elif envelope[0] == COLD:  # before the reply of that call
                    self.cold_starts.add(envelope[1])
                else:
                    self._inbox.append(envelope)

    def unclaimed(self):
        """What arrived and nobody asked for."""
        return list(self._inbox)
