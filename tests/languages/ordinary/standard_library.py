import bz2, ctypes, curses.ascii, decimal, email, getpass, hashlib, json, locale, lzma, platform, pwd
import secrets, ssl, statistics, uuid, xml.etree.ElementTree as tree, zlib, zoneinfo

assert ctypes.CDLL(None).getpid() > 0
assert hashlib.scrypt(b"a", salt=b"b", n=2, r=8, p=1) and hashlib.blake2b(b"a").hexdigest()
assert lzma.decompress(lzma.compress(b"x")) == bz2.decompress(bz2.compress(b"x")) == b"x"
assert ssl.create_default_context().get_ca_certs() is not None and secrets.token_hex(8)
assert str(zoneinfo.ZoneInfo("Asia/Tokyo")) and platform.platform() and uuid.uuid1()
assert tree.fromstring("<a><b/></a>")[0].tag == "b" and locale.setlocale(locale.LC_ALL, "")
print("ok")
