import sys
for line in sys.stdin:
    print(repr(line))
# input: a\r\nb\n\nlast
