import fcntl
import mmap
import os
import select
import tempfile

with tempfile.TemporaryFile() as file:
    file.write(b"x" * 8192)
    file.flush()
    with mmap.mmap(file.fileno(), 0) as mapped:
        mapped[0:2] = b"ab"
        mapped.madvise(mmap.MADV_SEQUENTIAL)
    fcntl.flock(file, fcntl.LOCK_EX)
    fcntl.lockf(file, fcntl.LOCK_EX)
    os.posix_fallocate(file.fileno(), 0, 16384)
    os.fsync(file.fileno())
    file.seek(0)
    assert file.read(2) == b"ab"
memory = os.memfd_create("m")
os.write(memory, b"hi")
event = os.eventfd(1)
poll = select.epoll()
poll.register(event, select.EPOLLIN)
assert poll.poll(1)
source = os.open(__file__, os.O_RDONLY)
assert os.sendfile(memory, source, 0, 10) == 10
read, write = os.pipe2(os.O_NONBLOCK)
assert os.splice(source, write, 5) == 5
assert os.copy_file_range(source, os.open("/mnt/data/copy", os.O_WRONLY | os.O_CREAT), 5) == 5
print("ok")
