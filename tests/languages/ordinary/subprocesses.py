import os
import pty
import subprocess

assert subprocess.run(["echo", "hi"], capture_output=True, text=True, check=True).stdout == "hi\n"
assert subprocess.check_output("seq 3 | wc -l", shell=True, text=True).strip() == "3"
process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
assert process.communicate(b"through")[0] == b"through"
assert os.waitstatus_to_exitcode(os.system("exit 3")) == 3
assert os.popen("uname").read().strip() == "Linux"
pid = os.posix_spawn("/bin/true", ["true"], os.environ)
assert os.waitpid(pid, 0)[1] == 0
print("ok")
