import os
import signal
signal.signal(signal.SIGUSR1, lambda n, f: print("got", n, f.f_code.co_name))
os.kill(os.getpid(), signal.SIGUSR1)
signal.signal(signal.SIGALRM, lambda n, f: print("alarm"))
signal.setitimer(signal.ITIMER_REAL, 0.02)
signal.pause()
