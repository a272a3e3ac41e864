# SPDX-License-Identifier: Apache-2.0
"""What a hostile or broken peer can do to a node's socket, as a program: one attack at a time.

    attacks.py endless_parts tcp://127.0.0.1:7440 --seconds 5
    attacks.py claims tcp://127.0.0.1:7440 --key shop.key --node-key nodes.pub

It sends as hard as it can for the time it is given, says in one line of JSON what it did, and
ends; whether the node took it well is for case_attack.py to judge.
"""

import argparse
import json
import os
import random
import resource
import socket
import struct
import sys
import threading
import time

import zmq

import attacks_members
import zmtp
from attack_target import (BYE, CANCEL, FIRST_ROUTING_ID, HELLO, HOUR_US, MIB, PING, Target, hello,
                           invoke, numbered, pack, sent, until_stopped)

# -- bytes that are no protocol --------------------------------------------------------------------


def random_bytes(target):
    """Noise on the socket, in frames, and in envelopes that were good before."""
    draw, tried = random.Random(7), 0
    huge = [bytes([tag]) + b"\xff" * 4 + b"x" * 50 for tag in (0xC6, 0xC9, 0xDB, 0xDD, 0xDF)]
    nested = [b"\x91" * 100_000, b"\x81\x01" * 50_000, pack([HELLO])[:1] + b"\x91" * 70]
    good = [hello(), invoke(1, "bench/echo", b"\x2a"), pack([PING, 1]), pack([CANCEL, 1])]
    while target.left():
        with until_stopped():
            if tried % 4 == 0 and not target.keys:
                with socket.create_connection(target.address) as raw:
                    raw.sendall(draw.randbytes(draw.randrange(1, 4000)))
            peer = target.connect(hello() if tried % 2 else b"")
            peer.discard()
            for _ in range(30):
                frame = bytearray(b"".join(draw.choices(good, k=3)))
                for _ in range(draw.randrange(1, 6)):
                    frame[draw.randrange(len(frame))] = draw.randrange(256)
                peer.send(draw.choice([bytes(frame), draw.choice(huge), draw.choice(nested),
                                       draw.randbytes(200)]))
            peer.close()
        tried += 1
    return {"connections": tried}


def other_protocols(target):
    """HTTP, TLS, old ZMTP and torn greetings."""
    talk = [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"\x01\x00", b"\xff" + bytes(8) + b"\x7f\x01\x05", zmtp.GREETING[:11],
            zmtp.GREETING + zmtp.ready(socket_type=b"PUB"),
            zmtp.GREETING + zmtp.part(b"\x05READY" + b"\xff" * 40, zmtp.COMMAND),
            zmtp.GREETING + zmtp.part(b"", zmtp.COMMAND),
            zmtp.GREETING.replace(b"NULL", b"CURV") + bytes(100),
            zmtp.GREETING + struct.pack(">BQ", zmtp.LONG | zmtp.COMMAND, 1 << 63)]
    count = 0
    while target.left():
        with until_stopped(), socket.create_connection(target.address) as raw:
            raw.sendall(talk[count % len(talk)])
        count += 1
    return {"connections": count}


def slow_handshakes(target):
    """Thousands of connections that send a byte now and then, or none at all."""
    held = []
    with until_stopped():
        for _ in range(2500):
            held.append(socket.create_connection(target.address))
    at = 0
    while target.left():
        for each in held[::2]:
            with until_stopped():
                each.send(zmtp.GREETING[at % 64:at % 64 + 1])
        at += 1
    return {"connections": len(held)}


def strangers(target):
    """Handshakes with keys that nobody has allowed."""
    count = 0
    while target.left():
        # Nothing is sent: one that is refused at once has no connection to send on.
        batch = [target.connect(keys=(target.keys[0],
                                      *(key.decode() for key in zmq.curve_keypair())))
                 for _ in range(20)]
        time.sleep(min(0.1, target.left()))
        for each in batch:
            each.close()
        count += len(batch)
    return {"handshakes": count}


# -- much at once ----------------------------------------------------------------------------------


def large_frames(target):
    """Frames beyond every limit: of size, of envelopes, of ids that come twice."""
    frames = [b"\xdb" + b"\xff" * 4 + bytes(17 * MIB), pack([PING, 7]) * 1_000_000,
              numbered(65_536, lambda number: pack([CANCEL, number])),
              invoke(1, "bench/echo", b"\x2a") * 65_536,
              numbered(65_536, lambda number: invoke(number, f"no/{number}", b"\x2a"))]
    peer, count = target.connect(hello()), 0
    peer.discard()
    with until_stopped():
        while target.left():
            peer.send(frames[count % len(frames)])
            count += 1
    return {"frames": count}


def frames_of_calls(target):
    """65,536 calls in one frame, and the next as soon as that is sent."""
    frame = numbered(65_536, lambda number: invoke(number, "bench/echo", b"\x2a"))
    peer = target.connect(hello())
    peer.discard()
    return {"frames": sent(peer, frame, 1 << 30, target)}


def unread_hellos(target):
    """Frames of hellos, each of which is owed a welcome that is never read."""
    peers = [target.connect(hello(1)) for _ in range(4)]
    frame = hello(1) * 60_000
    threads = [threading.Thread(target=sent, args=(peer, frame, 250, target)) for peer in peers]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return {"connections": len(peers)}


def flood_and_close(target):
    """So many frames on two connections that the node stops reading, and then their end, with
    answers unread: the node hears of it as of an error."""
    frame = hello() * 20_000
    peers = [target.connect(hello()) for _ in range(2)]
    frames = sum(sent(peer, frame, 1100, target) for peer in peers)
    for peer in peers:
        peer.close()
    # What a node does about it may come seconds later.
    time.sleep(max(6.0, target.left()))
    return {"frames": frames}


def endless_parts(target, size=8 * MIB):
    """A message whose every part announces another one."""
    peer, part, count = target.connect(), bytes(size), 0
    with until_stopped():
        while target.left() and count * size < 2048 * MIB:
            peer.send(part, zmtp.MORE)
            count += 1
    return {"MiB": count * size >> 20}


def small_parts(target):
    """The same in parts of 20 bytes, a thousand in one write."""
    peer, count = target.connect(), 0
    many = zmtp.part(bytes(20), zmtp.MORE) * 1000
    with until_stopped():
        while target.left() and count < 40_000:
            if target.keys:
                for _ in range(1000):
                    peer.send(bytes(20), zmtp.MORE)
            else:
                peer.socket.sendall(many)
            count += 1
    return {"thousands of parts": count}


# -- answers that nobody reads ---------------------------------------------------------------------


def non_readers(target, connections=1):
    """Each is owed echoes of 1 MiB and reads none of them."""
    frames = [invoke(number, "bench/echo", b"\xc6" + struct.pack(">I", MIB) + bytes(MIB))
              for number in range(1, 3)]
    peers, count = [], 0
    with until_stopped():
        for _ in range(connections):
            peers.append(target.connect(hello(), **({} if target.keys else
                                                    {"receive_buffer": 4096})))
    for peer in peers:
        if target.keys:
            peer.socket.setsockopt(zmq.SNDTIMEO, 200)
        else:
            peer.socket.settimeout(0.2)
    living = list(peers)
    while target.left() and living:
        for peer in list(living):
            try:
                peer.send(frames[count % 2])
                count += 1
            except (OSError, zmq.ZMQError):
                living.remove(peer)
    return {"connections": len(peers), "echoes": count}


def non_readers_50(target):
    """Fifty of them."""
    return non_readers(target, 50)


def non_readers_150(target):
    """A hundred and fifty."""
    return non_readers(target, 150)


def unread_byes(target):
    """hello, an echo of 8 MiB and bye, again and again, and none of it read."""
    size = 8 * MIB
    call = invoke(1, "bench/echo", b"\xc6" + struct.pack(">I", size) + bytes(size))
    peer, count = target.connect(**({} if target.keys else {"receive_buffer": 4096})), 0
    with until_stopped():
        while target.left() and count < 300:
            for frame in (hello(), call, pack([BYE])):
                peer.send(frame)
            count += 1
    return {"rounds": count}


# -- connections -----------------------------------------------------------------------------------


def claims(target):
    """Sixty-four connections that claim the routing ids which ZeroMQ would make up next, and then
    some that let it make one up."""
    held, refused = [], 0
    for number in range(64):
        identity = b"\0" + ((FIRST_ROUTING_ID + number) & 0xFFFFFFFF).to_bytes(4, "big")
        try:
            held.append(target.connect(hello(), identity))
        except (OSError, zmtp.Closed):
            refused += 1
    strangers_met = 0
    while target.left():
        with until_stopped():
            target.connect(hello()).close()
            strangers_met += 1
        time.sleep(0.01)
    return {"claims": len(held), "refused": refused, "newcomers": strangers_met}


def connect_call_close(target):
    """A connection for each call, closed before its answer."""
    count, call = 0, hello() + invoke(1, "bench/echo", b"\x2a")
    while target.left():
        with until_stopped():
            target.connect(call).close(reset=count % 2 == 0)
        count += 1
    return {"connections": count}


def mass_close(target, connections=10_000):
    """Ten thousand connections, all closed in one moment: this process ends."""
    held = []
    with until_stopped():
        while len(held) < connections:
            # Each is greeted, so that the node has a peer for it.
            held.append(target.connect(hello()))
            if len(held) % 500 == 0:
                held[-1].receive()
    return {"connections": len(held)}


def no_descriptors(target):
    """More connections than the node has descriptors, held."""
    held = []
    with until_stopped():
        while len(held) < 3000:
            raw = socket.socket()
            raw.settimeout(2)
            raw.connect(target.address)
            held.append(raw)
    time.sleep(target.left())
    return {"connections": len(held)}


# -- calls that take room or time ------------------------------------------------------------------


def heavy_naps(target):
    """66 naps of an hour that weigh 8 MiB each, then small ones."""
    nap = pack({"us": HOUR_US, "weight": bytes(8 * MIB)})
    light = pack({"us": HOUR_US})
    peer, count = target.connect(hello()), 0
    peer.discard()
    with until_stopped():
        for number in range(1, 67):
            peer.send(invoke(number, "bench/nap", nap, 0))
            count += 1
        while target.left():
            time.sleep(0.01)
            peer.send(invoke(100 + count, "bench/nap", light, 0))
            count += 1
    return {"naps": count}


def naps(target):
    """17,000 naps of an hour, and 2,000 sleeps that hold a thread each."""
    peer = target.connect(hello())
    peer.discard()
    nap, sleep = pack({"us": HOUR_US}), pack({"us": int(target.seconds * 1e6)})
    with until_stopped():
        peer.send(numbered(17_000, lambda number: invoke(number, "bench/nap", nap, 0)))
        peer.send(numbered(2_000, lambda number: invoke(number, "bench/sleep", sleep, 0), 20_000))
        time.sleep(target.left())
    return {"naps": 17_000, "sleeps": 2_000}


def spins(target):
    """500 calls that keep a core busy for 100 ms each."""
    peer = target.connect(hello())
    peer.discard()
    spin = pack({"us": 100_000})
    with until_stopped():
        peer.send(numbered(500, lambda number: invoke(number, "bench/spin", spin,
                                                      int(target.seconds * 1e6))))
        time.sleep(target.left())
    return {"spins": 500}


ATTACKS = {each.__name__: each for each in (
    random_bytes, other_protocols, slow_handshakes, strangers, large_frames, frames_of_calls,
    unread_hellos, flood_and_close, endless_parts, small_parts, non_readers, non_readers_50,
    non_readers_150, unread_byes, claims, connect_call_close, mass_close, no_descriptors,
    heavy_naps, naps, spins, *attacks_members.ATTACKS)}


def arguments():
    parser = argparse.ArgumentParser(prog="attacks.py", description=__doc__.split("\n")[0])
    parser.add_argument("attack", choices=sorted(ATTACKS))
    parser.add_argument("endpoint", metavar="ENDPOINT")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--key", metavar="FILE", help="a client's secret key")
    parser.add_argument("--node-key", metavar="FILE", help="the nodes' public key")
    parser.add_argument("--cluster", default="dunlin", help="its name")
    parser.add_argument("--other", metavar="ENDPOINT", help="another node of the cluster")
    given = parser.parse_args()
    if bool(given.key) != bool(given.node_key):
        parser.error("--key and --node-key: either both or none")
    return given


def main():
    given = arguments()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    target = Target(given)
    done = ATTACKS[given.attack](target)
    print(json.dumps(done), flush=True)
    # At once and without good-byes, as a process that is killed: its sockets close in one moment.
    sys.stdout.close()
    os._exit(0)


if __name__ == "__main__":
    main()
