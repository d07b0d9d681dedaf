class A:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("del", self.name)

a = A("global")
b = [A("in a list")]

def f():
    return a

f.me = f
f.other = A("in a cycle")
print("main ends")
