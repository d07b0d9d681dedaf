import http.server
import socket
import threading
import urllib.request

left, right = socket.socketpair()
left.send(b"hi")
assert right.recv(2) == b"hi"
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"served")
    def log_message(self, *_):
        pass
with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    answer = urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/").read()
    server.shutdown()
assert answer == b"served"
print("ok")
