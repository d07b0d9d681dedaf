match [1, 2, 3]:
    case [a, *rest] if (n := len(rest)) > 1:
        print(a, rest, n)
