import os
print(oct(os.umask(0)), os.getuid() == os.geteuid(), os.getgroups(), os.getsid(0) == os.getpid())
