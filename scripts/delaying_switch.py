#!/usr/bin/env python3
"""An Ethernet switch between network namespaces, in user space, with a rate, a delay and losses: what tc's netem does where the kernel lacks it.

    delaying_switch.py NAMESPACE… --delay-us 100 --gigabits 1 [--loss 0.001]

Each namespace gets a tap device eth0. A frame leaves when the sender's wire is free and is delivered a delay later; what does not fit into
4 MiB per receiver is dropped, as switches do. It prints "ready" when the devices are there, and ends with SIGTERM.
"""

import argparse
import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI, CLONE_NEWNET = 0x400454CA, 0x0002, 0x1000, 0x40000000
FRAME, QUEUE, GAP = 65600, 4 << 20, 24  # GAP: preamble, checksum and pause of a frame on a wire, in bytes
LIBC = ctypes.CDLL(None, use_errno=True)


def enter(descriptor):
    if LIBC.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def tap(namespace, home):
    """The switch's end of eth0 in a namespace."""
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    enter(there)
    os.close(there)
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"eth0", IFF_TAP | IFF_NO_PI))
    enter(home)
    return device


class Switch:
    def __init__(self, ports, delay, bytes_per_second, loss):
        self.ports, self.delay, self.rate, self.loss = ports, delay, bytes_per_second, loss
        self.free = dict.fromkeys(ports, 0.0)  # when a sender's wire is
        self.queued = dict.fromkeys(ports, 0)  # bytes under way to a receiver
        self.port_of = {}                      # hardware address to port, learnt from senders
        self.under_way = []
        self.number = 0
        self.draw = random.Random(1).random

    def take(self, port, frame):
        self.port_of[frame[6:12]] = port
        leaves = max(time.monotonic(), self.free[port]) + (len(frame) + GAP) / self.rate
        self.free[port] = leaves
        to = self.port_of.get(frame[:6])
        for receiver in [to] if to is not None else [other for other in self.ports if other != port]:
            if self.draw() < self.loss or self.queued[receiver] + len(frame) > QUEUE:
                continue
            self.queued[receiver] += len(frame)
            self.number += 1
            heapq.heappush(self.under_way, (leaves + self.delay, self.number, receiver, frame))

    def deliver(self):
        """What is due; seconds until the next frame is."""
        while self.under_way:
            wait = self.under_way[0][0] - time.monotonic()
            if wait > 0:
                return wait
            _, _, receiver, frame = heapq.heappop(self.under_way)
            self.queued[receiver] -= len(frame)
            try:
                os.write(receiver, frame)
            except OSError:
                pass  # the device is down, or its queue full: lost, as on a wire
        return None

    def run(self):
        while True:
            readable, _, _ = select.select(self.ports, [], [], self.deliver())
            for port in readable:
                for _ in range(64):
                    try:
                        self.take(port, os.read(port, FRAME))
                    except BlockingIOError:
                        break


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("namespaces", nargs="+")
    parser.add_argument("--delay-us", type=float, default=100)
    parser.add_argument("--gigabits", type=float, default=1)
    parser.add_argument("--loss", type=float, default=0)
    options = parser.parse_args()
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    ports = [tap(namespace, home) for namespace in options.namespaces]
    print("ready", flush=True)
    Switch(ports, options.delay_us * 1e-6, options.gigabits * 1e9 / 8, options.loss).run()


if __name__ == "__main__":
    sys.exit(main())
