import os
import sys
pid = os.fork()
if pid == 0:
    print("child")
    sys.exit(4)
print("status", os.waitpid(pid, 0)[1] >> 8)
