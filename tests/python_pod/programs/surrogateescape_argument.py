import sys
print(sys.argv[1:])
# args: one|two three
