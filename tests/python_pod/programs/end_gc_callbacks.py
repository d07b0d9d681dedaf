import gc
seen = set()
gc.callbacks.append(lambda phase, info: print("collected") if not seen and phase == "start" and not seen.add(1) else None)
print("last line")
