"""K: system calls, /proc, descriptors; and what must go on working."""

from .fixture import check, row

# errno names a call may end with; what is not listed in a row is a hole.
CALLS = """
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
bad = []
def call(name, number, *args, wanted=('EPERM',)):
    ctypes.set_errno(0)
    r = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
    e = errno.errorcode.get(ctypes.get_errno(), '0') if r < 0 else 'SUCCESS %d' % r
    if e not in wanted: bad.append((name, e))
buf = ctypes.create_string_buffer(4096)
path = ctypes.c_char_p(b'/tmp')
"""
JUDGE = "\nprint(bad if bad else 'ok')\n"


@row("K1", "ptrace, process_vm_readv, /proc/pid/mem of pid 1")
def _(t):
    t.says(
        "py",
        CALLS
        + """
pid = os.fork()
if pid == 0:
    import time; time.sleep(20); os._exit(0)
for target in (1, pid):
    call('ptrace', 101, 16, target, 0, 0)           # PTRACE_ATTACH
    call('ptrace seize', 101, 0x4206, target, 0, 0)
    call('process_vm_readv', 310, target, buf, 1, buf, 1, 0)
    call('process_vm_writev', 311, target, buf, 1, buf, 1, 0)
    call('kcmp', 312, target, os.getpid(), 0, 0, 0)
    call('process_madvise', 440, target, buf, 1, 20, 0)
call('ptrace traceme', 101, 0, 0, 0, 0)
call('pidfd_getfd', 438, 0, 0, 0)
for what in ('mem', 'environ', 'maps', 'stack', 'syscall', 'auxv', 'io', 'root', 'ns/pid'):
    try:
        p = '/proc/1/' + what
        os.readlink(p) if what in ('root', 'ns/pid') else open(p, 'rb').read(1)
        bad.append(p)
    except OSError: pass
"""
        + JUDGE,
    )


@row("K2", "io_uring, bpf, perf, userfaultfd, keyrings, fanotify, modules")
def _(t):
    t.says(
        "py",
        CALLS
        + """
call('io_uring_setup', 425, 8, buf); call('io_uring_enter', 426, 0, 1, 0, 0, 0, 0); call('io_uring_register', 427, 0, 0, 0, 0)
call('bpf', 321, 0, buf, 64); call('perf_event_open', 298, buf, 0, -1, -1, 0)
call('userfaultfd', 323, 0); call('userfaultfd user', 323, 1)
call('add_key', 248, ctypes.c_char_p(b'user'), ctypes.c_char_p(b'x'), buf, 4, -3); call('request_key', 249, path, path, 0, 0)
call('keyctl', 250, 0, -3, 1); call('fanotify_init', 300, 0, 0); call('fanotify_mark', 301, 0, 0, 0, 0, 0)
call('init_module', 175, buf, 4096, path); call('finit_module', 313, 0, path, 0); call('delete_module', 176, path, 0)
call('kexec_load', 246, 0, 0, 0, 0); call('kexec_file_load', 320, 0, 0, 0, 0, 0); call('reboot', 169, 0xfee1dead, 672274793, 0, 0)
call('swapon', 167, path, 0); call('acct', 163, 0); call('syslog', 103, 3, buf, 100); call('quotactl', 179, 0, 0, 0, 0)
call('settimeofday', 164, buf, 0); call('clock_settime', 227, 0, buf); call('adjtimex', 159, buf, wanted=('EPERM',))
call('iopl', 172, 3); call('ioperm', 173, 0, 1, 1); call('sethostname', 170, buf, 3); call('setdomainname', 171, buf, 3)
call('vhangup', 153); call('lookup_dcookie', 212, 0, 0, 0, wanted=('EPERM', 'ENOSYS')); call('vmsplice', 278, 1, buf, 1, 0)
call('seccomp', 317, 1, 0, buf); call('modify_ldt', 154, 0, buf, 16); call('move_pages', 279, 0, 0, 0, 0, 0, 0)
call('landlock', 444, 0, 0, 1)
"""
        + JUDGE,
    )


@row("K3", "unshare, clone of namespaces, setns, mounts, chroot, handles")
def _(t):
    t.says(
        "py",
        CALLS
        + """
for flag in (0x10000000, 0x20000000, 0x40000000, 0x00020000, 0x08000000, 0x04000000, 0x02000000, 0x80):
    call('unshare %x' % flag, 272, flag)
    if flag != 0x80: call('clone %x' % flag, 56, flag | 17, 0, 0, 0, 0)
call('clone3', 435, buf, 64, wanted=('ENOSYS',))
for ns in ('user', 'mnt', 'net', 'pid'):
    call('setns', 308, os.open('/proc/self/ns/' + ns, os.O_RDONLY), 0)
call('setns pidfd', 308, os.pidfd_open(1), 0x20000)
call('mount', 165, path, path, 0, 4096, 0); call('remount', 165, 0, ctypes.c_char_p(b'/usr'), 0, 0x20 | 0x1000, 0)
call('umount', 166, ctypes.c_char_p(b'/mnt'), 2); call('pivot_root', 155, path, path); call('chroot', 161, path)
call('open_tree', 428, -100, path, 1); call('move_mount', 429, -100, path, -100, path, 0)
call('fsopen', 430, ctypes.c_char_p(b'tmpfs'), 0); call('fsconfig', 431, 0, 0, 0, 0, 0); call('fsmount', 432, 0, 0, 0)
call('fspick', 433, -100, path, 0); call('mount_setattr', 442, -100, path, 0, buf, 32)
call('open_by_handle_at', 304, -100, buf, 0); call('name_to_handle_at', 303, -100, path, buf, buf, 0)
call('statmount', 457, buf, buf, 64, 0, wanted=('EPERM', 'ENOSYS')); call('listmount', 458, buf, buf, 1, 0, wanted=('EPERM', 'ENOSYS'))
call('open_tree_attr', 467, -100, path, 1, buf, 32, wanted=('EPERM', 'ENOSYS'))
"""
        + JUDGE,
    )


@row("K4", "netlink, packet, AF_ALG, vsock and raw sockets, rare protocols")
def _(t):
    t.says(
        "py",
        """
import socket
bad = []
for family in list(range(0, 48)):
    if family in (1, 2, 10): continue
    for kind in (1, 2, 3, 5, 10):
        try: socket.socket(family, kind, 0); bad.append((family, kind))
        except OSError as e:
            if e.errno not in (1, 97): bad.append((family, kind, e.errno))
for family in (2, 10):
    for kind, protocol in ((3, 1), (3, 255), (10, 0), (2, 1), (5, 132), (1, 132), (6, 33), (2, 136), (1, 262), (2, 115), (4, 0)):
        try: socket.socket(family, kind, protocol); bad.append((family, kind, protocol))
        except OSError: pass
print(bad if bad else 'ok')
""",
    )


@row("K5", "32-bit and x32 system calls")
def _(t):
    t.says(
        "py",
        CALLS
        + r"""
import mmap
call('x32 getpid', 0x40000000 | 39, wanted=('EPERM', 'ENOSYS')); call('x32 ptrace', 0x40000000 | 521, 16, 1, wanted=('EPERM', 'ENOSYS'))
call('x32 mount', 0x40000000 | 165, path, path, 0, 4096, 0, wanted=('EPERM', 'ENOSYS'))
call('negative', -1, wanted=('ENOSYS', 'EPERM')); call('high bits', (1 << 32) | 101, 16, 1, wanted=('EPERM', 'ENOSYS'))
page = mmap.mmap(-1, 4096, prot=7)
page.write(b'\x53\x89\xf8\x89\xf3\x89\xd1\xcd\x80\x5b\xc3')   # int 0x80: eax = edi, ebx = esi, ecx = edx
code = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
for name, number, a, b in (('getpid', 20, 0, 0), ('ptrace', 26, 16, 1), ('unshare', 310, 0x10000000, 0), ('socketcall', 102, 1, 0)):
    r = code(number, a, b)
    if r not in (-1, -38): bad.append(('32-bit ' + name, r))
"""
        + JUDGE,
    )


@row("K6", "writing to /proc/sys, /sys, cgroup files, sysrq")
def _(t):
    t.says(
        "py",
        """
import os
bad = []
for top, _, files in os.walk('/proc/sys'):
    for name in files:
        p = os.path.join(top, name)
        try:
            fd = os.open(p, os.O_WRONLY)
            os.write(fd, b'1'); bad.append(p)
        except OSError: pass
for p in ('/proc/sysrq-trigger', '/proc/self/uid_map', '/proc/self/setgroups', '/proc/1/oom_score_adj', '/proc/1/comm', '/proc/irq/default_smp_affinity',
          '/proc/mtrr', '/proc/kcore', '/proc/kmsg', '/proc/acpi', '/proc/timer_stats', '/sys', '/sys/fs/cgroup', '/sys/kernel'):
    try:
        fd = os.open(p, os.O_WRONLY); os.write(fd, b'0'); bad.append(p)
    except OSError: pass
    if p.startswith('/sys') and os.path.exists(p): bad.append(p)
for p in ('/proc/kcore', '/proc/kmsg', '/proc/vmallocinfo', '/proc/slabinfo', '/proc/timer_list', '/proc/sched_debug', '/proc/iomem-x'):
    try: open(p, 'rb').read(1); bad.append('read ' + p)
    except OSError: pass
for p in ('/', '/usr', '/usr/bin', '/usr/lib', '/etc', '/dev', '/mnt', '/bin', '/proc', '/.podium'):
    try: open(p + '/x', 'w'); bad.append(p)
    except OSError: pass
print(bad if bad else 'ok')
""",
    )


@row("K7", "descriptors 0, 1, 2 alone, nothing of the host below /proc")
def _(t):
    t.says(
        "py",
        """
import os, re
bad = []
fds = {int(f): os.readlink('/proc/self/fd/' + f) for f in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + f) or int(f) < 3}
# A pod keeps the socket to its pid 1; S4b shows that it is of no use.
if [v for fd, v in fds.items() if fd > 2 and not v.startswith('socket:')] or len(fds) > 4: bad.append(fds)
if any(not fds[fd].startswith('pipe:') for fd in (0, 1, 2)): bad.append(fds)
# Counted by the shell itself: in a pipeline it holds ends of pipes of its own for a while.
try: left = os.posix_spawn('/bin/sh', ['sh', '-c', 'set -- /proc/$$/fd/*; echo $# > /tmp/fds'], os.environ); os.waitpid(left, 0)
finally:
    if int(open('/tmp/fds').read()) > 4: bad.append('children inherit: ' + open('/tmp/fds').read())
if open('/proc/self/cgroup').read().replace('/\\n', '\\n').count('/'): bad.append(open('/proc/self/cgroup').read())
line = open('/proc/1/cmdline', 'rb').read()
if b'/runs' in line or b'uid-base' in line: bad.append(line)
for name in ('PWD', 'HOME', 'PATH', 'LANG'):
    if 'podium' in os.environ.get(name, ''): bad.append(name)
extra = set(os.environ) - {'PATH', 'HOME', 'TMPDIR', 'LANG', 'USER', 'PYTHONUNBUFFERED', 'PYTHONPATH', 'MPLBACKEND', 'LC_CTYPE', 'PWD', 'SHLVL', '_', 'OLDPWD',
                            'OPENBLAS_NUM_THREADS', 'OMP_NUM_THREADS'}
if extra: bad.append(extra)
try: os.open('/proc/self/exe', os.O_RDWR); bad.append('exe is writable')
except OSError: pass
for pid in os.listdir('/proc'):
    if pid.isdigit() and int(pid) > 100: bad.append('pid ' + pid)
uts = os.uname()
if uts.nodename != 'sandbox': bad.append(uts.nodename)
print(bad if bad else 'ok')
""",
    )


@row("K7b", "its own standard streams cannot be turned against the daemon")
def _(t):
    t.says(
        "py",
        """
import os, stat
bad = []
for fd, mode in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
    try: os.open('/proc/self/fd/%d' % fd, mode | os.O_NONBLOCK); bad.append((fd, 'opened the other way'))
    except PermissionError: pass
for name in ('/dev/stdout', '/dev/stderr', '/proc/self/fd/1'):
    try: os.close(os.open(name, os.O_WRONLY))
    except OSError as e: bad.append((name, str(e)))
print(bad if bad else 'ok')
""",
    )
    reply = t.bash(
        "echo one > /dev/stderr; echo two > /dev/stdout; echo three | tee /dev/stderr >/dev/null; cat /dev/stdin",
        stdin="four\n",
    )
    check(
        (reply.stdout, reply.stderr) == ("two\nfour\n", "one\nthree\n"),
        "scripts may name their streams",
        reply,
    )


WORKS = {
    "multiprocessing": "import multiprocessing as m\ndef f(x): return x * x\nif __name__ == '__main__':\n"
    "    with m.Pool(4) as p: assert sum(p.map(f, range(100))) == 328350\n"
    "    q = m.Queue(); p = m.Process(target=q.put, args=(7,)); p.start(); assert q.get() == 7; p.join()\n",
    "threads": "import threading\nout = []\nts = [threading.Thread(target=out.append, args=(i,)) for i in range(50)]\n"
    "[x.start() for x in ts]; [x.join() for x in ts]\nassert len(out) == 50\n",
    "numpy": "import numpy as np\na = np.random.rand(300, 300)\nassert np.allclose(np.linalg.inv(a) @ a, np.eye(300))\n",
    "plot": "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.title('x'); plt.savefig('/mnt/data/p.png')\n",
    "subprocess": "import subprocess\nassert subprocess.run(['sh', '-c', 'echo $((6*7))'], capture_output=True, text=True).stdout == '42\\n'\n"
    "assert subprocess.check_output('seq 1000 | sort -n | tail -1', shell=True) == b'1000\\n'\n",
    "sqlite": "import sqlite3\nc = sqlite3.connect('/mnt/data/x.db'); c.execute('pragma journal_mode=wal'); c.execute('create table t(a)')\n"
    "c.executemany('insert into t values(?)', [(i,) for i in range(1000)]); c.commit(); assert c.execute('select sum(a) from t').fetchone()[0] == 499500\n",
    "asyncio": "import asyncio\nasync def f(i): await asyncio.sleep(.001); return i\nasync def m():\n    p = await asyncio.create_subprocess_exec('true'); await p.wait()\n"
    "    s = await asyncio.start_server(lambda r, w: w.close(), '127.0.0.1', 0); s.close()\n    return sum(await asyncio.gather(*map(f, range(100))))\n"
    "assert asyncio.run(m()) == 4950\n",
    "mmap, signals, timers": "import mmap, signal, tempfile, os, time, fcntl\nhits = []\nsignal.signal(signal.SIGALRM, lambda *a: hits.append(1)); signal.setitimer(signal.ITIMER_REAL, .01); time.sleep(.05); assert hits\n"
    "with tempfile.TemporaryFile() as f:\n    f.truncate(8192); m = mmap.mmap(f.fileno(), 0); m[0] = 1; fcntl.flock(f, fcntl.LOCK_EX)\n",
    "unix sockets, loopback": "import socket, os\ns = socket.socket(socket.AF_UNIX); s.bind('/tmp/s'); s.listen(); c = socket.socket(socket.AF_UNIX); c.connect('/tmp/s')\n"
    "l = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(l.getsockname()); u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('127.0.0.1', 0))\n",
}


@row("K8", "what must not break: 9 kinds of honest programs")
def _(t):
    for name, code in WORKS.items():
        reply = t.py(code + "print('fine')", timeout=25000)
        check(reply.stdout.endswith("fine\n"), name + " works", reply)
    reply = t.bash(
        "set -e; diff <(echo a) <(echo a); exec 3<>/tmp/f; echo x >&3; cat <<< here; coproc cat; echo hi >&${COPROC[1]}; "
        "read -u ${COPROC[0]} x; echo $x; seq 3 | xargs -P3 -n1 echo | sort; kill $COPROC_PID; trap 'echo bye' EXIT"
    )
    check(reply.stdout == "here\nhi\n1\n2\n3\nbye\n", "bash works", reply)


@row("K8b", "1,000 small subprocesses, no spurious EPERM")
def _(t):
    reply = t.py(
        "import os\nfor i in range(1000):\n    p = os.fork()\n    if p == 0: os._exit(i % 7)\n    assert os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]) == i % 7\nprint('fine')",
        timeout=25000,
    )
    check(reply.stdout == "fine\n", "works", reply)
