import sys

def hook(*args):
    raise RuntimeError("in the hook")

sys.excepthook = hook
1 / 0
