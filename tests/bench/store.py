"""A real MinIO server and the plainest client for it, as the floor of what Podium does with one."""
import datetime, hashlib, hmac, http.client, os, re, shutil, socket, subprocess, tempfile, time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEY, SECRET, BUCKET = "podium-bench", "a secret of the measurements", "podium"
UNSIGNED = "UNSIGNED-PAYLOAD"


class Store:
    def __init__(self):
        binary = subprocess.run([ROOT / "tests/minio/server"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        self.dir = Path(tempfile.mkdtemp(prefix="podium-bench-minio-", dir="/var/tmp"))
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.process = subprocess.Popen([binary, "server", "--quiet", "--address", f"127.0.0.1:{self.port}", self.dir / "data"],
                                        env={"HOME": str(self.dir), "MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET,
                                             "MINIO_BROWSER": "off"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                if self.request("GET", "/minio/health/cluster")[0] == 200:
                    break
            except OSError:
                time.sleep(0.05)

    def config(self):
        os.environ["PODIUM_BENCH_STORE_SECRET"] = SECRET
        return {"plugins": {"files": None, "objects": {"library": "storage/minio", "options": {
            "endpoint": f"http://127.0.0.1:{self.port}", "bucket": BUCKET, "create_bucket": True, "access_key": KEY,
            "secret_key": {"env": "PODIUM_BENCH_STORE_SECRET"}}}}, "storage": "objects"}

    def request(self, method, path, query="", body=None, size=0):
        """Signature V4 of paths and queries that need no encoding."""
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        host, scope = f"127.0.0.1:{self.port}", f"{now[:8]}/us-east-1/s3/aws4_request"
        canonical = (f"{method}\n{path}\n{query}\nhost:{host}\nx-amz-content-sha256:{UNSIGNED}\nx-amz-date:{now}\n\n"
                     f"host;x-amz-content-sha256;x-amz-date\n{UNSIGNED}")
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = ("AWS4" + SECRET).encode()
        for step in (now[:8], "us-east-1", "s3", "aws4_request"):
            key = hmac.digest(key, step.encode(), "sha256")
        signature = hmac.new(key, text.encode(), "sha256").hexdigest()
        client = http.client.HTTPConnection("127.0.0.1", self.port)
        client.putrequest(method, path + ("?" + query if query else ""), skip_host=True, skip_accept_encoding=True)
        for name, value in (("Host", host), ("x-amz-content-sha256", UNSIGNED), ("x-amz-date", now),
                            ("Content-Length", str(size)), ("Authorization",
                             f"AWS4-HMAC-SHA256 Credential={KEY}/{scope},SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
                             f"Signature={signature}")):
            client.putheader(name, value)
        client.endheaders()
        if body is not None:
            client.sock.sendfile(body)
        answer = client.getresponse()
        if method == "GET" and not query and path.startswith("/" + BUCKET):
            buffer, got = memoryview(bytearray(1 << 20)), 0
            while count := answer.readinto(buffer):
                got += count
            return answer.status, got
        return answer.status, answer.read()

    def keys(self):
        return set(re.findall(r"<Key>([^<]+)</Key>", self.request("GET", f"/{BUCKET}", "list-type=2")[1].decode()))

    def timed_get(self, key):
        began = time.perf_counter()
        status, size = self.request("GET", f"/{BUCKET}/{key}")
        assert status == 200 and size > 0, status
        return (time.perf_counter() - began) * 1000

    def timed_put(self, key, file):
        size = file.stat().st_size
        with open(file, "rb") as body:
            began = time.perf_counter()
            status, text = self.request("PUT", f"/{BUCKET}/{key}", body=body, size=size)
            assert status == 200, text
            return size / 1e6 / (time.perf_counter() - began)

    def remove(self, key):
        self.request("DELETE", f"/{BUCKET}/{key}")

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)
