data = {"a": [1, 2, {3: (4, "five")}], "set": {1, 2}, "f": lambda: data}
data["self"] = data
def function(x=[]): return x
print(sum(range(10)), function(), sorted(data))
