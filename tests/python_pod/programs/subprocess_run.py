import subprocess
import sys
print(subprocess.run(["echo", "hi"], capture_output=True, text=True))
p = subprocess.run([sys.executable, "-c", "import sys; print(sys.path[1:], sys.flags.isolated); sys.exit(6)"],
                   capture_output=True, text=True)
print(p.returncode, p.stdout, p.stderr)
print(subprocess.call("exit 3", shell=True))
