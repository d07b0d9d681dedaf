print("x")
exit(3)
print("never")
