import sys
import __main__
print(__name__, __file__, __doc__, __package__, __spec__, __cached__, __builtins__)
print(sorted(vars(__main__)))
print(type(__loader__).__name__, __loader__.name, __loader__.path)
print(sys.modules["__main__"] is __main__, __annotations__)
