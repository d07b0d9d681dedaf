import builtins
real = print
builtins.print = lambda *a: real("patched", *a)
print("x")
builtins.len = None

class A:
    def __del__(self):
        print("del", len("abc"))

a = A()
a.cycle = a
