"""What a zygote runs: imports its tier, then forks pods for ever.

It is started as `python3 /mnt/code/main.py`, the command line of the programs that its pods run, and
never sees a byte of a user. Everything a pod does to look like a freshly started python3 is here or
in podium_pod, the extension module beside this file; see docs/pod-protocol.md.
"""

import sys

# What every python3 has loaded when a program begins. Only modules beyond these may be shadowed by
# files of the program.
PLAIN_MODULES = frozenset(sys.modules)

import errno
import gc
import importlib
import io
import logging
import os
import threading
import time

import podium_pod

# Small and asked for by most programs. What a program imports beyond them costs it what it always
# costs.
COMMON = (
    "argparse",
    "ast",
    "base64",
    "bisect",
    "collections",
    "contextlib",
    "copy",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "fractions",
    "functools",
    "glob",
    "hashlib",
    "heapq",
    "inspect",
    "io",
    "itertools",
    "json",
    "linecache",
    "logging",
    "math",
    "operator",
    "pathlib",
    "pickle",
    "random",
    "re",
    "shutil",
    "statistics",
    "string",
    "struct",
    "subprocess",
    "tempfile",
    "textwrap",
    "threading",
    "traceback",
    "types",
    "typing",
    "uuid",
    "warnings",
    "weakref",
)

WORKSPACE = "/mnt/data"


def import_tier():
    """Imports the modules of the tier; ends the zygote when one is missing."""
    tier = [name for name in os.environ["PODIUM_TIER"].split(",") if name]
    for name in COMMON:
        importlib.import_module(name)
    for name in tier:
        try:
            importlib.import_module(name)
        except ImportError as e:
            podium_pod.failed(errno.ENOENT, f"import {name}: {e}")
    return tier


def warm_numpy(numpy):
    numpy.linalg.inv(numpy.random.default_rng(1).random((8, 8)))
    str(numpy.arange(10).reshape(2, 5).sum(axis=0))


def warm_pandas(pandas):
    frame = pandas.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "x"]})
    str(frame.groupby("b").a.sum())
    str(frame.describe())


def warm_matplotlib(matplotlib):
    matplotlib.use("Agg")
    pyplot = importlib.import_module("matplotlib.pyplot")
    pyplot.plot([1, 2, 3], label="a")
    pyplot.title("x")
    pyplot.legend()
    pyplot.savefig(io.BytesIO())
    pyplot.close("all")
    figures.install(pyplot)


class Figures:
    """Turns figures into files: those that plt.show() shows, and those left open at the end."""

    def __init__(self):
        self.pyplot = None
        self.count = 0

    def install(self, pyplot):
        self.pyplot = pyplot
        figure_class = pyplot.Figure
        plain_savefig = figure_class.savefig

        def savefig(figure, fname, *args, **kwargs):
            result = plain_savefig(figure, fname, *args, **kwargs)
            figure._podium_saved = True
            figure.stale = False  # until it is drawn on again
            return result

        def show(*args, **kwargs):
            self.save_all()

        savefig.__doc__ = plain_savefig.__doc__
        savefig.__wrapped__ = plain_savefig
        show.__doc__ = pyplot.show.__doc__
        figure_class.savefig = savefig
        pyplot.show = show
        self.plain_savefig = plain_savefig

    def save_all(self):
        """Saves and closes every open figure, but for those that the program has saved itself."""
        for number in self.pyplot.get_fignums():
            figure = self.pyplot.figure(number)
            if not (getattr(figure, "_podium_saved", False) and not figure.stale):
                self.plain_savefig(figure, self.free_name())
            self.pyplot.close(figure)

    def free_name(self):
        while True:
            self.count += 1
            path = f"{WORKSPACE}/figure_{self.count}.png"
            if not os.path.lexists(path):
                return path

    def at_end(self):
        if self.pyplot is None:
            if "matplotlib.pyplot" not in sys.modules:
                return
            # Imported by the program itself, from a smaller tier.
            self.pyplot = sys.modules["matplotlib.pyplot"]
            self.plain_savefig = self.pyplot.Figure.savefig
        if self.pyplot.get_fignums():
            self.save_all()


figures = Figures()
WARM = {"numpy": warm_numpy, "pandas": warm_pandas, "matplotlib": warm_matplotlib}


def warm():
    for name, function in WARM.items():
        if name in tier:
            function(sys.modules[name])


# ---------------------------------------------------------------- in the pod


def reseed():
    """Fork copies every random state but the operating system's. `random` reseeds itself."""
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if "multiprocessing.process" in sys.modules:
        process = sys.modules["multiprocessing.process"]
        process.current_process().authkey = os.urandom(32)


PROGRAM = """
import sys, os, math, random, json
class A:
    def __init__(self, x): self.x = x
    def __repr__(self): return f"A({self.x:>3})"
def f(n): return [A(i) for i in range(n) if i % 2]
try: raise ValueError("x")
except ValueError as e: s = str(e)
d = {"a": 1, **{"b": 2.5}}
print(", ".join(map(repr, f(8))), d, "%d" % len(d))
"""
# As the host sends it when neither configuration nor request says otherwise; begin() is spared then.
ENVIRONMENT = [
    b"MPLBACKEND=Agg",
    b"PYTHONPATH=/mnt/data",
    b"PYTHONUNBUFFERED=1",
    b"PATH=/usr/local/bin:/usr/bin:/bin",
    b"HOME=/tmp",
    b"TMPDIR=/tmp",
    b"LANG=C.UTF-8",
    b"USER=sandbox",
]


def rehearse():
    """One run with the streams leading nowhere, so that the pages and caches that every program
    touches are the pod's own before it waits."""
    null = os.open("/dev/null", os.O_RDWR)
    kept = os.dup(1)
    os.dup2(null, 1)
    begin(["/usr/bin/python3", "/mnt/code/main.py"], ENVIRONMENT)
    podium_pod.rehearse(PROGRAM)
    os.dup2(kept, 1)
    os.close(kept)
    os.close(null)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.arange(10.0).sum()
    figures.at_end()
    rehearse_shutdown()


def rehearse_shutdown():
    """threading._shutdown, and back: see there. The interpreter's version is known to be ours."""
    logging.shutdown()
    atexits = threading._threading_atexits
    threading._threading_atexits = []
    threading._shutdown()
    threading._threading_atexits = atexits
    main = threading.main_thread()
    threading._SHUTTING_DOWN = False
    main._is_stopped = False
    main._set_tstate_lock()


def make_matplotlib_folders():
    """The zygote's matplotlib remembers that it made them, in a /tmp that is not the pod's."""
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is not None:
        for folder in (matplotlib.get_configdir(), matplotlib.get_cachedir()):
            os.makedirs(folder, exist_ok=True)


def prepare():
    """After the fork, in the sandbox, before the pod waits."""
    reseed()
    make_matplotlib_folders()
    rehearse()
    gc.freeze()


def shadow_modules():
    """A program's own random.py wins over the library's, as it does when nothing is preloaded."""
    for name in os.listdir(WORKSPACE):
        stem = name.partition(".")[0]
        if stem in sys.modules and stem not in PLAIN_MODULES and stem != "__main__":
            for loaded in [m for m in sys.modules if m == stem or m.startswith(stem + ".")]:
                del sys.modules[loaded]


def remake_streams():
    """Buffered streams, for a run without PYTHONUNBUFFERED; see create_stdio in pylifecycle.c."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        old = getattr(sys, name)
        buffer = io.open(number, "wb", -1, closefd=False)
        buffer.raw.name = f"<{name}>"
        stream = io.TextIOWrapper(
            buffer, old.encoding, old.errors, "\n", line_buffering=number == 2
        )
        stream.mode = "w"
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def begin(command, environment):
    """The run has come: looks like `command` started with `environment`."""
    sys.orig_argv[:] = command
    sys.argv[:] = command[1:]
    environ = os.environ._data
    environ.clear()
    for variable in environment:
        name, _, value = variable.partition(b"=")
        environ.setdefault(name, value)

    path = environ.get(b"PYTHONPATH")
    added = [os.path.abspath(p) for p in os.fsdecode(path).split(":")] if path else []
    sys.path[:] = list(dict.fromkeys([PATH[0], *added, *PATH[1:]]))
    if not environ.get(b"PYTHONUNBUFFERED"):
        remake_streams()
    if environ.get(b"PYTHONDONTWRITEBYTECODE"):
        sys.dont_write_bytecode = True
    if b"TZ" in environ:
        time.tzset()
    shadow_modules()


def forget_zygote():
    """Takes the zygote's traces out of what programs look at."""
    podium_pod.forget_environment()
    os.environ._data.clear()
    del sys.modules["podium_pod"]
    for path in ("/mnt/code", WORKSPACE):
        sys.path_importer_cache.pop(path, None)


tier = import_tier()
warm()
forget_zygote()
PATH = list(sys.path)
# Dropped by the end of every run; kept alive, so that no pod spends its time on freeing them.
KEPT = (sys.path_importer_cache, sys.path_hooks, sys.meta_path, sys.path, sys.argv)
gc.collect()
gc.freeze()
podium_pod.serve(prepare, begin, figures.at_end, "print(1)\n", ENVIRONMENT)
