print("hello", 1, 2.5, [1, "a"])
