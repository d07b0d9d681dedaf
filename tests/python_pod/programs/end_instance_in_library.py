import json
json.kept = type("A", (), {"__del__": lambda self: print("deleted")})()
print("last line")
