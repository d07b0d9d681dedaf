class A:
    __slots__ = ()
    def __del__(self): print("deleted")
a = [A()]
print("last line")
