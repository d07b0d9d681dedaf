import sys

def depth(n):
    try:
        return depth(n + 1)
    except RecursionError:
        return n

print(sys.getrecursionlimit(), depth(0))
