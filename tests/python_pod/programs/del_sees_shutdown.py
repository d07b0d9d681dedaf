import sys

class A:
    def __del__(self):
        print("finalizing", sys.is_finalizing() if sys else None)
        try:
            import json
            print("imported")
        except ImportError as e:
            print("no import", e)

a = A()
a.self = a
