import os
import tempfile
with tempfile.TemporaryDirectory() as d:
    print(os.path.dirname(d))
print(tempfile.gettempdir())
