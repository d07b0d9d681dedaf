import os
print(os.getpid() != 1, os.getppid(), len(os.listdir("/proc/self/task")))
