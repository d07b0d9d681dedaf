import atexit

def bad():
    raise ValueError("at the end")

atexit.register(print, "still runs")
atexit.register(bad)
