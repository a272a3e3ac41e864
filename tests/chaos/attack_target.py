# SPDX-License-Identifier: Apache-2.0
"""The node under attack, the ways to it, and what can be sent to it.

Without keys a connection is ZMTP over a bare socket (zmtp.py), with keys it is pyzmq over CURVE.
"""

import contextlib
import pathlib
import random
import time
import tomllib

import msgpack
import zmq

import zmtp

HELLO, INVOKE, CANCEL, PING, BYE, GOSSIP = 0, 2, 5, 6, 9, 10
CLIENT, NODE = 0, 1
MIB = 1 << 20
HOUR_US = 3_600_000_000
# What libzmq 4.3 numbers its first peer if nobody has seeded rand().
FIRST_ROUTING_ID = 0x6B8B4567


def pack(*envelopes):
    return b"".join(msgpack.packb(each, use_bin_type=True) for each in envelopes)


def hello(features=0, role=CLIENT, name="attacker", cluster="", instance=0):
    return pack([HELLO, "dunlin", 1, 1, features, role, name, cluster, instance])


def invoke(number, function, payload, remaining_us=60_000_000):
    return pack([INVOKE, number, function, remaining_us, 0, 0, 0, None, None, payload])


def numbered(count, make, first=1):
    return b"".join(make(number) for number in range(first, first + count))


class Target:
    """The node under attack, and how long."""

    def __init__(self, given):
        host, port = given.endpoint.removeprefix("tcp://").rsplit(":", 1)
        self.endpoint, self.address = given.endpoint, (host, int(port))
        self.cluster, self.peer_endpoint = given.cluster, given.other
        self.keys = None
        if given.key:
            own = tomllib.loads(pathlib.Path(given.key).read_text())
            self.keys = (tomllib.loads(pathlib.Path(given.node_key).read_text())["public_key"],
                         own["public_key"], own["secret_key"])
        self.seconds = given.seconds
        self._end = time.monotonic() + given.seconds
        self._context = zmq.Context()

    def left(self):
        return max(0.0, self._end - time.monotonic())

    def connect(self, first=b"", identity=b"", keys=None, **more):
        """A connection with a frame sent."""
        keys = keys or self.keys
        peer = (Curve(self._context, self.endpoint, keys, identity) if keys
                else zmtp.Peer(self.address, identity, **more))
        if first:
            peer.send(first)
        return peer

    def node(self, name="impostor"):
        """A connection that claims to be a node of the cluster."""
        return self.connect(hello(1, NODE, name, self.cluster, random.getrandbits(62)))


class Curve:
    """As zmtp.Peer, for nodes with keys. What it does not read fills its queue, then TCP's."""

    def __init__(self, context, endpoint, keys, identity=b""):
        self.socket = context.socket(zmq.DEALER)
        for option, value in ((zmq.CURVE_SERVERKEY, keys[0]), (zmq.CURVE_PUBLICKEY, keys[1]),
                              (zmq.CURVE_SECRETKEY, keys[2])):
            self.socket.setsockopt_string(option, value)
        for option, value in ((zmq.LINGER, 0), (zmq.RCVHWM, 1), (zmq.SNDHWM, 4),
                              (zmq.RECONNECT_IVL, -1), (zmq.SNDTIMEO, 20_000),
                              (zmq.RCVTIMEO, 20_000)):
            self.socket.setsockopt(option, value)
        if identity:
            self.socket.setsockopt(zmq.ROUTING_ID, identity)
        self.socket.connect(endpoint)

    def send(self, body, flags=0):
        self.socket.send(body, zmq.SNDMORE if flags & zmtp.MORE else 0)

    def receive(self):
        return 0, self.socket.recv()

    def discard(self):
        """Nothing: what is not read stays in this process, a message or so a connection."""

    def close(self, reset=False):
        self.socket.close()


@contextlib.contextmanager
def until_stopped():
    """The node ends a connection, or takes no more on it: that is what an attacker is to expect."""
    try:
        yield
    except (OSError, zmtp.Closed, zmq.ZMQError):
        pass


def sent(peer, frame, count, target):
    """Sends a frame again and again without reading; returns how often."""
    done = 0
    with until_stopped():
        while done < count and target.left():
            peer.socket.settimeout(max(0.05, target.left())) if not target.keys else None
            peer.send(frame)
            done += 1
    return done
