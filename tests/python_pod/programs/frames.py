import inspect
import sys
import traceback

def f():
    print([frame.function for frame in inspect.stack()])
    traceback.print_stack()
    print(sys._getframe(1).f_back)

f()
