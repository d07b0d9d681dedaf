def g():
    try:
        yield 1
    finally:
        print("closed")
kept = {"generator": g()}
next(kept["generator"])
print("last line")
