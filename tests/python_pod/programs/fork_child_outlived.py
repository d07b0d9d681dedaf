import os
import sys
if os.fork() == 0:
    print("child prints")
    sys.exit(4)
os.wait()
sys.exit(1)
