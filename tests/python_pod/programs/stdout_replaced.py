import io
import sys
sys.stdout = io.StringIO()
print("lost")
sys.stderr.write("kept\n")
