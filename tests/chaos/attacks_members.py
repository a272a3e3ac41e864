# SPDX-License-Identifier: Apache-2.0
"""Attacks of a peer that says it is a node: false members, and rumours about true ones."""

import random
import time

import msgpack

import zmtp
from attack_target import GOSSIP, NODE, hello, pack, until_stopped


def update(instance, name, endpoints=(), state=0, incarnation=1, accusers=()):
    return [state, incarnation, instance, name, list(endpoints), "0.1.0", False, list(accusers), 0]


def gossip(updates):
    """Frames that tell these updates, as many in each as a reader takes."""
    return [pack([GOSSIP, pack([5, updates[at:at + 500]])]) for at in range(0, len(updates), 500)]


def fakes(count, first=1):
    """Members that nobody can reach: their ports are closed."""
    base = random.getrandbits(40) << 20
    return [update(base + number, f"fake-{base:x}-{number}",
                   [f"tcp://127.0.0.1:{1 + number % 1000}"])
            for number in range(first, first + count)]


def tell_fakes(target, count):
    peer = target.node()
    peer.discard()
    told = 0
    with until_stopped():
        for frame in gossip(fakes(count)):
            peer.send(frame)
            told += 500
        time.sleep(target.left())
    return {"members": told}


def fake_members_1000(target):
    """A node that is none tells of a thousand members that are none, once."""
    return tell_fakes(target, 1000)


def fake_members_60000(target):
    """Sixty thousand of them."""
    return tell_fakes(target, 60_000)


def fake_members_subscribers(target):
    """A thousand clients that ask for the members, which change five times a second."""
    held = []
    with until_stopped():
        for _ in range(1000):
            held.append(target.connect(hello(1)))
            held[-1].discard()
    peer, rounds = target.node(), 0
    peer.discard()
    with until_stopped():
        while target.left():
            for frame in gossip(fakes(100)):
                peer.send(frame)
            rounds += 1
            time.sleep(0.2)
    return {"subscribers": len(held), "rounds": rounds}


def expulsion(target):
    """Tells one node that it is suspected, far beyond what the others believe, and another one that
    it has been suspected: so that nobody takes it back."""
    member = member_under_attack(target)
    peer, jump = target.node(), (1 << 20) - 1
    peer.discard()
    # At once: what it says of itself after each would reach the others.
    peer.send(gossip([update(member[0], member[1], member[3], 1, step * jump)
                      for step in range(1, 9)])[0])
    if target.peer_endpoint:
        host, port = target.peer_endpoint.removeprefix("tcp://").rsplit(":", 1)
        other = zmtp.Peer((host, int(port)))
        other.discard()
        other.send(hello(1, NODE, "impostor-2", target.cluster, random.getrandbits(62)))
        other.send(gossip([update(member[0], member[1], member[3], 1, 1)])[0])
    time.sleep(target.left())
    return {"suspicions": 9}


def member_under_attack(target):
    """The node's own line in the list of members."""
    peer = target.connect(hello(1))
    name, members = None, []
    while not members:
        _, frame = peer.receive()
        unpacker = msgpack.Unpacker(raw=False, unicode_errors="replace", strict_map_key=False)
        unpacker.feed(frame)
        for envelope in unpacker:
            if envelope[0] == 1:
                name = envelope[3]
            if envelope[0] == 13:
                members = [each for each in envelope[4] if each[1] == name]
    peer.close()
    return members[0]


ATTACKS = (fake_members_1000, fake_members_60000, fake_members_subscribers, expulsion)
