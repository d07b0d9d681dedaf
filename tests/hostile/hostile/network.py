"""N: there is no network."""

import socket

from .fixture import check, row


def addresses():
    found = {
        "127.0.0.1",
        "127.1",
        "0.0.0.0",
        "::1",
        "::ffff:127.0.0.1",
        "localhost",
        "169.254.169.254",
        "169.254.170.2",
        "fd00:ec2::254",
        "100.100.100.200",
        "metadata.google.internal",
        "1.1.1.1",
        "8.8.8.8",
        "2001:4860:4860::8888",
        "10.0.0.1",
        "172.17.0.1",
        "192.168.0.1",
    }
    try:
        found |= {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.connect(("10.255.255.255", 1))
        found.add(s.getsockname()[0])
    except OSError:
        pass
    return sorted(found)


@row("N1", "metadata services, the daemon's own port by every spelling, the world")
def _(t):
    ports = [80, 53, 443, t.client.port, 8000, 9000, 5432, 6379]
    t.says(
        "py",
        f"""
import socket
bad = []
for host in {addresses()!r}:
    for port in {ports!r}:
        try:
            s = socket.create_connection((host, port), timeout=.2); bad.append((host, port))
        except OSError: pass
print(bad if bad else 'ok')
""",
    )
    t.says(
        "bash",
        f"for h in 127.0.0.1 0 ::1 169.254.169.254; do (exec 3<>/dev/tcp/$h/{t.client.port}) 2>/dev/null && echo $h; done; echo ok",
    )


@row("N2", "the host's abstract and named sockets, the daemon's by name")
def _(t):
    host = socket.socket(socket.AF_UNIX)
    host.bind("\0podium-hostile-abstract")
    host.listen()
    names = [
        "\0podium-hostile-abstract",
        "/run/systemd/notify",
        "/var/run/docker.sock",
        "/run/dbus/system_bus_socket",
        "/run/podium.sock",
    ]
    with host:
        t.says(
            "py",
            f"""
import socket
bad = []
for name in {names!r}:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        try: socket.socket(socket.AF_UNIX, kind).connect(name); bad.append(name)
        except OSError: pass
lines = open('/proc/net/unix').read().splitlines()[1:]
bad += [line for line in lines if '@' in line]
print(bad if bad else 'ok')
""",
        )


@row("N3", "UDP, ping sockets and the resolver")
def _(t):
    t.says(
        "py",
        """
import socket
bad = []
for address in (('8.8.8.8', 53), ('255.255.255.255', 67), ('224.0.0.251', 5353), ('169.254.169.254', 80)):
    try:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.sendto(b'x', address); bad.append(address)
    except OSError: pass
for name in ('example.com', 'metadata.google.internal', '_gateway'):
    try: socket.getaddrinfo(name, 80); bad.append(name)
    except OSError: pass
for kind in (socket.SOCK_RAW, socket.SOCK_DGRAM):
    try: socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP).sendto(b'\\x08\\0\\0\\0\\0\\0\\0\\0', ('1.1.1.1', 0)); bad.append('icmp')
    except OSError: pass
print(bad if bad else 'ok')
""",
    )


@row("N3b", "changing its own network: interfaces, routes, addresses")
def _(t):
    t.says(
        "py",
        """
import fcntl, socket, struct
bad = []
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for request in (0x8914, 0x8916, 0x890B, 0x8922, 0x8924, 0x89a0, 0x8983, 0x89F1, 0x89E0):
    try: fcntl.ioctl(s, request, struct.pack('16sH100x', b'lo', 0x41)); bad.append(hex(request))
    except OSError as e:
        pass
import os
if set(os.listdir('/proc/sys/net/ipv4/conf')) - {'all', 'default', 'lo'}: bad.append(os.listdir('/proc/sys/net/ipv4/conf'))
print(bad if bad else 'ok')
""",
    )


@row("N4", "nothing of a run before in the network namespace that is used again")
def _(t):
    seed = """
import socket
l = socket.create_server(('127.0.0.1', 31999), backlog=64)
for i in range(40):
    c = socket.create_connection(('127.0.0.1', 31999)); s, _ = l.accept(); s.close(); c.close()
u = socket.socket(socket.AF_UNIX); u.bind('\\0left-over'); u.listen()
"""
    look = """
bad = [l for l in open('/proc/net/tcp').read().splitlines()[1:]] + [l for l in open('/proc/net/unix').read().splitlines()[1:] if 'left' in l]
import socket
try: socket.socket().bind(('127.0.0.1', 31999))
except OSError as e: bad.append(str(e))
print(bad if bad else 'ok')
"""
    for _ in range(5):
        t.py(seed)
        t.says("py", look)


@row("N5", "a network policy that is asked for is refused or ignored by name, never half done")
def _(t):
    for field in ("network", "internet", "egress"):
        reply = t.client.exec(
            "bash",
            "(exec 3<>/dev/tcp/1.1.1.1/80) 2>/dev/null && echo reached; true",
            **{field: True},
        )
        check(
            reply.status_code in (400, 422)
            or (reply.status_code == 200 and "reached" not in reply.stdout),
            "no network by asking",
            reply,
        )
