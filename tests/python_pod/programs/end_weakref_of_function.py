import weakref
def function(): pass
reference = weakref.ref(function, lambda r: print("gone"))
print("last line")
