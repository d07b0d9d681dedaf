"""F: names, links, special files and other people's files."""

import json
import os
import time
import urllib.parse

from .fixture import check, row

BAD_NAMES = [
    "../up",
    "a/../../up",
    "/etc/passwd",
    "//etc/passwd",
    "a\\b",
    "..\\up",
    "a\0b",
    "a//b",
    "./a",
    "a/.",
    "..",
    ".",
    "a/..",
    "a\nb",
    "a\x1b[31m",
    "a" * 257,
    "a/" * 11 + "a",
    "x" * 300 + "/y",
    "\x7f",
    "a\u0085b",
]
KEPT_NAMES = [
    "%2e%2e%2fup",
    "..%2f..%2fup",
    "%c0%ae%c0%ae",
    "a b",
    "-rf",
    "'quote'",
    "🙂",
    "\u202egnp.exe",
    "é",
    "...",
    "..a",
    "a..",
    "CON",
    "a:b",
    "$(id)",
    "`id`",
    ";id",
    "*",
    "%s%n",
    "<b>",
    "a" * 255,
]


@row("F1a", "names of uploads that would leave the session are refused")
def _(t):
    for name in BAD_NAMES:
        if "\0" in name or "\n" in name or "\x1b" in name or "\x7f" in name:
            raw = name.replace("\n", "%0A").encode()
        else:
            raw = name.encode()
        reply = t.client.upload([(raw, b"x")])
        t.refused(reply, 400, 413, 422)
    reply = t.client.upload([(b"a\xc0\xae\xc0\xae/b", b"x")])
    t.refused(reply, 400)


@row("F1b", "odd names that stay inside are kept as they are")
def _(t):
    for name in KEPT_NAMES:
        sent = name.replace('"', "%22")
        reply = t.client.upload([(sent, b"inside")])
        check(reply.status_code == 200, f"{name!r} is kept", reply)
        check(reply.files[0]["filename"] == name, f"{name!r} is echoed", reply)
        found = t.client.download(reply.session_id, reply.files[0]["fileId"])
        check(
            found.status_code == 200 and found.body == b"inside",
            f"{name!r} can be downloaded",
            found,
        )
        for line in found.headers.values():
            check("\n" not in line and "\r" not in line, "no header is injected", line)


@row("F1c", "names of references that would leave the workspace are refused")
def _(t):
    made = t.client.reference("fine.txt", b"x")
    for name in BAD_NAMES:
        reply = t.client.exec("bash", "find /mnt -newer /proc/1", files=[{**made, "name": name}])
        t.refused(reply, 400, 422)
    reply = t.bash("cat /mnt/data/fine.txt; find /mnt/data -type f | wc -l", files=[made])
    check(reply.stdout == "x1\n", "the fine one is there", reply)


@row("F1d", "a file and a folder of one name in the inputs")
def _(t):
    one, two = t.client.reference("a", b"file"), t.client.reference("b", b"below")
    reply = t.bash("find /mnt/data -type f", files=[{**one, "name": "a"}, {**two, "name": "a/b"}])
    check(
        "warning" in reply.stderr and len(reply.stdout.split()) == 1,
        "one of them is said to be left out",
        reply,
    )


@row("F2", "downloads with dots and encoded slashes")
def _(t):
    made = t.client.upload([("a.txt", b"x")])
    sid, fid = made.session_id, made.files[0]["fileId"]
    for target in (
        f"/download/{sid}/../{fid}",
        f"/download/{sid}/%2e%2e%2fkeys.json",
        f"/download/..%2f..%2fetc%2fpasswd/{fid}x",
        f"/download/{sid}/{fid}%00",
        f"/download/{sid}/{fid}/..",
        f"/download/{sid}/{fid}%2f..",
        "/download/../../keys.json",
        "/files/../keys.json/x",
        f"/download/{sid}/%",
        f"/download/{sid}/{fid}\\",
        "/../../etc/passwd",
        "/download/%2e%2e/%2e%2e/etc/passwd",
        f"/download/{sid}/{'A' * 5000}",
    ):
        reply = t.client.get(target)
        check(reply.status_code in (404, 400, 405), f"{target} is not found", reply)
        check(b"sha256" not in reply.body and b"root:" not in reply.body, "nothing leaks", reply)


SECRET_LINKS = """
import os
targets = ['/etc/passwd', '/proc/self/environ', '/proc/1/environ', '/var/lib/podium/keys.json', '../../..',
           '/mnt/code/main.py', '/dev/zero', '/proc/self/mem', '/', '.', 'loop']
for i, target in enumerate(targets): os.symlink(target, 'link%d' % i)
os.symlink('loop', 'loop')
os.mkdir('d'); os.symlink('/etc', 'd/etc')
open('real.txt', 'w').write('real')
os.link('real.txt', 'hard.txt')
"""


@row("F3", "links in the outputs are never followed")
def _(t):
    reply = t.py(SECRET_LINKS)
    names = sorted(f["name"] for f in reply.files)
    check(names == ["hard.txt", "real.txt"], "only regular files come back", names)
    check(
        "symbolic link" in json.dumps(reply.artifact_truncation), "what was left out is said", reply
    )


@row("F3b", "an input replaced by a link, a folder, a fifo")
def _(t):
    refs = [t.client.reference(name, b"original") for name in ("one", "two", "three", "d/four")]
    reply = t.bash(
        "cd /mnt/data; rm one; ln -s /etc/passwd one; rm two; mkdir two; echo hi > two/x; rm three; "
        "mkfifo three; rm -r d; ln -s /etc d",
        files=refs,
    )
    names = sorted(f["name"] for f in reply.files)
    check(names == ["two/x"], "only what is a file now", reply)
    for ref in refs:
        found = t.client.download(ref["session_id"], ref["id"])
        check(found.body == b"original", "the blob is untouched", found)


@row("F4", "a link swapped 100,000 times while the run ends and is collected")
def _(t):
    for ending in ("sys.exit(0)", "time.sleep(30)"):
        reply = t.py(
            f"""
import os, sys, time, threading
open('/tmp/secret', 'w').write('SECRET'); open('real', 'w').write('real')
os.symlink('/proc/self/environ', 'evil'); os.mkdir('d'); open('d/f', 'w').write('x'); os.symlink('/etc', 'e')
if os.fork() == 0:
    import ctypes
    rename = ctypes.CDLL(None).renameat2
    while True:
        for _ in range(1000):
            rename(-100, b'real', -100, b'evil', 2)   # RENAME_EXCHANGE
            rename(-100, b'd', -100, b'e', 2)
t0 = time.time()
import ctypes
rename = ctypes.CDLL(None).renameat2
for _ in range(50000):
    rename(-100, b'real', -100, b'evil', 2); rename(-100, b'd', -100, b'e', 2)
{ending}
""",
            ("completed", "timed_out"),
            timeout=4000,
        )
        for file in reply.files:
            body = t.client.download(file["session_id"], file["id"]).body
            check(body in (b"real", b"x"), "only the program's own bytes", (file, body[:200]))


@row("F5", "fifo, socket and device as outputs are skipped without a hang")
def _(t):
    reply = t.py(
        """
import os, socket
os.mkfifo('fifo'); s = socket.socket(socket.AF_UNIX); s.bind('sock')
try: os.mknod('null', 0o020666, os.makedev(1, 3)); print('device made')
except PermissionError: pass
try: os.mknod('whiteout', 0o020000, os.makedev(0, 0))
except PermissionError: pass
try: os.mknod('block', 0o060666, os.makedev(254, 0)); print('device made')
except PermissionError: pass
open('kept', 'w').write('x')
"""
    )
    check(
        [f["name"] for f in reply.files] == ["kept"] and reply.stdout == "" and reply.seconds < 5,
        "skipped",
        reply,
    )


ODD_OUTPUTS = [
    b"new\nline",
    b'quo"te',
    b"esc\x1b[31m",
    b"-rf",
    "emoji🙂".encode(),
    "\u202egnp".encode(),
    b"n" * 255,
    b"bad\xff\xfe",
    b"\x01\x02",
    b"..\\..\\x",
    b"%00",
    b" ",
    b"a ",
    "e\u0301".encode(),
    "é".encode(),
    b"\xed\xa0\x80",
    b"CON",
    b"\xc0\xae\xc0\xae",
    b"...",
    "\u0085".encode(),
    b"$(id)",
    b"x;filename=y",
    b"\xf0\x9f",
]


@row("F6", "odd names of outputs: listed, downloadable, valid JSON, no header injected")
def _(t):
    code = "import os\n" + "".join(
        f"open(b'/mnt/data/' + {name!r}, 'wb').write({name!r})\n" for name in ODD_OUTPUTS
    )
    reply = t.py(code)
    check(
        len(reply.files) == len(ODD_OUTPUTS),
        "every file comes back",
        [f["name"] for f in reply.files],
    )
    check(
        len({f["name"] for f in reply.files}) == len(ODD_OUTPUTS), "under a name of its own", reply
    )
    seen = set()
    for file in reply.files:
        found = t.client.download(file["session_id"], file["id"])
        check(found.status_code == 200, "downloadable", (file, found))
        seen.add(found.body)
        check(
            found.headers.get_all("Content-Disposition")
            and len(found.headers.get_all("Content-Disposition")) == 1
            and "\n" not in found.headers["Content-Disposition"],
            "one clean header",
            found.headers.items(),
        )
    check(seen == set(ODD_OUTPUTS), "each with its own content")
    listed = t.client.get(f"/files/{reply.session_id}?detail=full").json
    check(len(listed) == len(ODD_OUTPUTS), "all are listed")
    again = t.py("import os; print(len(os.listdir('/mnt/data')))", session_id=reply.session_id)
    check(again.stdout.strip() == str(len(ODD_OUTPUTS)), "all can be mounted again", again)


@row("F7", "files exactly at the limit, one above, and empty")
def _(t):
    reply = t.py(
        """
open('empty', 'w').close()
f = open('exact', 'wb')
for _ in range(256): f.write(b'x' * (1 << 20))
f.close()
try:
    f = open('exact', 'ab'); f.write(b'y'); f.flush(); print('one above was written')
except OSError as e: print('refused')
""",
        ("completed", "disk_limit"),
    )
    check("refused" in reply.stdout, "one above is refused", reply)
    sizes = {
        f["originalFilename"]: f["size"]
        for f in (
            t.client.get(f"/sessions/{reply.session_id}/objects/{f['id']}").json
            for f in reply.files
        )
    }
    check(sizes == {"empty": 0, "exact": 256 << 20}, "both are kept", sizes)


@row("F8", "setuid, file capabilities and device nodes")
def _(t):
    t.says(
        "bash",
        r"""
cd /mnt/data; cp /usr/bin/id x; chmod 6755 x 2>/dev/null; ./x -u > /tmp/u 2>/dev/null
[ "$(cat /tmp/u)" = "$(id -u)" ] || echo "setuid: $(cat /tmp/u)"
for p in $(find /usr/bin /usr/sbin /usr/lib -xdev -perm -4000 2>/dev/null | head); do :; done
su -c id 2>/dev/null </dev/null && echo su
mount 2>/dev/null | grep -v nosuid | grep -v '^$' && echo "mount without nosuid"
grep -q 'NoNewPrivs:.1' /proc/self/status || echo nnp
grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb):' /proc/self/status | grep -v 0000000000000000 && echo caps
setcap cap_net_raw+ep x 2>/dev/null && echo setcap
mknod n c 1 5 2>/dev/null && echo mknod
python3 - <<'P'
import os
for name, value in (('security.capability', b'\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0'), ('trusted.overlay.opaque', b'y'),
                    ('trusted.overlay.redirect', b'/etc'), ('security.selinux', b'x')):
    try: os.setxattr('/mnt/data/x', name, value); print('xattr', name)
    except OSError: pass
P
rm -f x; echo ok
""",
    )


PRIVATE = """
import os, glob, sys
bad = []
for path in ['/var', '/root', '/home', '/srv', '/opt', '/run', '/boot', '/sys', '/etc/podium', '/etc/shadow', '/work', '/.podium/runs',
             '/lost+found', '/media'] + %r:
    try:
        if os.path.isdir(path): os.listdir(path); bad.append(path)
        elif os.path.exists(path): open(path).read(1); bad.append(path)
    except PermissionError: pass
for path in ('/mnt/data', '/tmp', '/dev/shm'):
    if os.listdir(path): bad.append((path, os.listdir(path)))
for pid in os.listdir('/proc'):
    if pid.isdigit() and int(pid) not in (1, os.getpid(), os.getppid()): bad.append(pid)
    for what in ('environ', 'maps', 'mem', 'root', 'cwd', 'fd', 'exe'):
        if pid != '1': continue
        try:
            p = '/proc/%%s/%%s' %% (pid, what)
            os.listdir(p) if what == 'fd' else os.readlink(p) if what in ('root', 'cwd', 'exe') else open(p, 'rb').read(1)
            bad.append(p)
        except OSError: pass
print(bad if bad else 'ok')
"""


@row("F9a", "Podium's own configuration, keys, database and blobs are not there")
def _(t):
    own = (
        [str(t.daemon.state), str(t.daemon.config_file), str(t.daemon.prefix / "bin")]
        if t.daemon
        else []
    )
    own = [path for path in own if not path.startswith("/usr")]
    t.says("py", PRIVATE % own)
    t.says(
        "bash",
        "for p in /var /root /home /run /sys; do ls $p >/dev/null 2>&1 && echo $p; done\n"
        "find / -xdev \\( -name 'podium.db*' -o -name keys.json -o -name first-key \\) 2>/dev/null; echo ok",
    )


@row("F9b", "nothing of a run before, in any place that can be written")
def _(t):
    mess = "for d in /mnt/data /mnt/code /tmp /dev/shm /mnt /mnt/.tmp /mnt/.shm; do echo secret > $d/left-$RANDOM 2>/dev/null; done; true"
    look = "grep -rl secret /mnt/data /tmp /dev/shm /mnt/.tmp /mnt/.shm 2>/dev/null; ls -A /tmp /dev/shm; echo ok"
    for _ in range(6):
        t.bash(mess)
        t.says("bash", look)


@row("F9c", "another session's files by guess, and another principal's by id")
def _(t):
    mine = t.client.reference("mine.txt", b"mine")
    other = t.second_key()
    for target in (
        f"/download/{mine['session_id']}/{mine['id']}",
        f"/sessions/{mine['session_id']}/objects/{mine['id']}",
        f"/download/{'A' * 21}/{mine['id']}",
    ):
        t.refused(t.client.get(target, key=other), 404)
    check(
        t.client.get(f"/files/{mine['session_id']}", key=other).json == [],
        "its session is empty to others",
    )
    for method in ("DELETE",):
        t.refused(
            t.client.request(method, f"/files/{mine['session_id']}/{mine['id']}", key=other), 404
        )
        t.refused(
            t.client.request(
                method, f"/sessions/{mine['session_id']}/objects/{mine['id']}", key=other
            ),
            404,
        )
    reference = {"id": mine["id"], "name": "x", "session_id": "A" * 21}
    for shape in (
        reference,
        {"name": "mine.txt", "session_id": mine["session_id"]},
        {"id": mine["id"], "name": "x", "storage_session_id": mine["session_id"], "kind": "user"},
        {"id": "A" * 21, "name": "mine.txt", "session_id": mine["session_id"]},
    ):
        reply = t.client.exec("bash", "cat /mnt/data/* 2>/dev/null", files=[shape], key=other)
        t.refused(reply, 403)
        check(reply.error == "Unauthorized file reference", "said as the interface says it", reply)
    reply = t.client.exec("bash", "ls -A /mnt/data", session_id=mine["session_id"], key=other)
    check(
        reply.status_code == 200 and reply.stdout == "" and reply.session_id != mine["session_id"],
        "its session is not continued",
        reply,
    )
    check(
        t.client.download(mine["session_id"], mine["id"]).body == b"mine", "the owner still has it"
    )


@row("F10", "a program that writes into its inputs changes its own copy only")
def _(t):
    made = t.client.reference("data.bin", b"A" * 100_000)
    tricks = """
import os, mmap, fcntl
p = '/mnt/data/data.bin'
fd = os.open(p, os.O_RDONLY)
for how in (lambda: os.pwrite(fd, b'B', 0), lambda: mmap.mmap(fd, 0, prot=mmap.PROT_WRITE, flags=mmap.MAP_SHARED),
            lambda: os.ftruncate(fd, 0), lambda: os.fchmod(fd, 0), lambda: os.utime(p), lambda: fcntl.ioctl(fd, 0x40086602, b'\\x10\\0\\0\\0\\0\\0\\0\\0'),
            lambda: os.pwrite(os.open('/proc/self/fd/%d' % fd, os.O_RDWR), b'C', 1),
            lambda: os.link('/proc/self/fd/%d' % fd, '/mnt/data/linked', follow_symlinks=True),
            lambda: os.setxattr(p, 'user.x', b'y'), lambda: os.rename(p, p + '.moved'),
            lambda: os.truncate(p + '.moved', 3)):
    try: how()
    except (OSError, ValueError, TypeError) as e: pass
"""
    for _ in range(2):
        t.py(tricks, files=[made])
        found = t.client.download(made["session_id"], made["id"])
        check(found.body == b"A" * 100_000, "the blob is untouched", found.body[:40])


@row("F11", "10,000 outputs in folders 500 deep, of long names")
def _(t):
    reply = t.py(
        """
import os
for i in range(40):
    os.chdir('/mnt/data')
    try:
        for j in range(240):
            os.mkdir('d' * 100); os.chdir('d' * 100)
    except OSError: pass
    try: os.rename('/mnt/data/' + 'd' * 100, '/mnt/data/top%d' % i)
    except OSError: break
os.chdir('/mnt/data')
open('kept', 'w').write('x') if not os.path.exists('kept') else None
""",
        ("completed", "failed"),
    )
    check(reply.seconds < 10, "in time", reply.seconds)


def locked(how):
    return f"""
import os
os.makedirs('/mnt/data/d/e'); open('/mnt/data/d/e/f', 'w').write('kept'); open('/mnt/data/g', 'w').write('kept')
{how}
"""


@row("F12", "outputs that their owner locked away")
def _(t):
    for how in (
        "os.chmod('/mnt/data/g', 0); os.chmod('/mnt/data/d/e', 0); os.chmod('/mnt/data/d', 0)",
        "os.chmod('/mnt/data', 0)",
        "os.chmod('/mnt/data/d', 0o111)",
        "os.umask(0o777)",
    ):
        for files in ([], [t.client.reference("in.txt", b"in")]):
            reply = t.py(locked(how), files=files)
            check(
                sorted(f["name"] for f in reply.files) == ["d/e/f", "g"],
                f"all come back after {how}",
                reply,
            )
