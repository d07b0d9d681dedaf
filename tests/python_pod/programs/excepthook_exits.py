import sys

def hook(*args):
    sys.exit(9)

sys.excepthook = hook
1 / 0
