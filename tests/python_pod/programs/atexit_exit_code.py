import atexit
import os
import sys
atexit.register(lambda: os._exit(5))
sys.exit(2)
