import signal
print([(s.name, signal.getsignal(s)) for s in (signal.SIGPIPE, signal.SIGTERM, signal.SIGHUP,
                                                signal.SIGCHLD, signal.SIGXFSZ)])
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, signal.pthread_sigmask(0, []))
