#!/usr/bin/python3
"""A service manager's end of NOTIFY_SOCKET: prints each state that arrives at the path, a line each."""

import os
import socket
import sys

manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
print("listening", flush=True)
while True:
    print(manager.recv(512).decode().replace("\n", " "), flush=True)
