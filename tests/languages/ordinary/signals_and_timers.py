import os
import resource
import signal
import time

seen = []
signal.signal(signal.SIGALRM, lambda *_: seen.append("alarm"))
signal.setitimer(signal.ITIMER_REAL, 0.02)
signal.sigwait if signal.pause() else None
signal.signal(signal.SIGUSR1, lambda *_: seen.append("user"))
os.kill(os.getpid(), signal.SIGUSR1)
resource.setrlimit(resource.RLIMIT_NOFILE, (200, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
os.nice(1)
os.sched_setaffinity(0, os.sched_getaffinity(0))
os.sched_yield()
assert time.clock_gettime(time.CLOCK_MONOTONIC) > 0 and os.getloadavg() and os.cpu_count()
os.setpgid(0, 0) if os.getpgrp() != os.getpid() else None
assert seen == ["alarm", "user"]
print("ok")
