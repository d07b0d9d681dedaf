import os
import pathlib
import shutil
import stat
import tarfile
import zipfile

here = pathlib.Path("/mnt/data/tree/below")
here.mkdir(parents=True)
(here / "file").write_text("text")
os.chmod(here / "file", 0o640)
os.link(here / "file", here / "hard")
os.symlink("file", here / "soft")
os.rename(here / "hard", here / "renamed")
os.utime(here / "file", (1e9, 1e9 + 2))
assert stat.S_IMODE((here / "file").stat().st_mode) == 0o640 and (here / "file").stat().st_mtime == 1e9 + 2
shutil.copytree("/mnt/data/tree", "/tmp/copy", symlinks=True)
with tarfile.open("/mnt/data/tree.tar.gz", "w:gz") as tar:
    tar.add("/tmp/copy")
with zipfile.ZipFile("/mnt/data/tree.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    archive.write(here / "file")
shutil.rmtree("/tmp/copy")
assert os.getxattr is not None and shutil.disk_usage("/mnt/data").free > 0
print("ok")
