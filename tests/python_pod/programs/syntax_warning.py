a = 1
print(a is 1)
