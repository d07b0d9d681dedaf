import importlib
import sys
sys.dont_write_bytecode = True
open("m.py", "w").write("x = 1")
import m
open("m.py", "w").write("x = 22")
importlib.reload(m)
print(m.x)
