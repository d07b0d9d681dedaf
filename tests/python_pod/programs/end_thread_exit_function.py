import threading
threading._register_atexit(print, "told by threading")
print("last line")
