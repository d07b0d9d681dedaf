exec("a = 1\0")
