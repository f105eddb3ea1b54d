"""A model hub on loopback, for tests: what it serves and which faults it has are a test's to say."""
import hashlib
import http.server
import json
import threading
import urllib.parse

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """Models as {name: {file: bytes}}. Files whose name is in `large` are LFS files: their checksum is SHA-256, and they
    come from another host (the same server on another port), as a content network's would."""

    def __init__(self, models, large=("model.safetensors",)):
        self.models, self.large = models, set(large)
        self.requests = []  # (server, path, headers) in order
        self.cuts = {}  # file: bytes after which the connection is cut, once each
        self.statuses = {}  # path's beginning: list of (status, headers) to answer first
        self.listed = {}  # file: what the list says of it otherwise
        self.wrong = {}  # file: bytes that are sent instead
        self.no_ranges = False
        self.token = None  # wanted by every request
        self.servers = [self._serve(name) for name in ("hub", "content")]
        self.endpoint, self.content = (f"http://127.0.0.1:{s.server_address[1]}" for s in self.servers)

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def paths(self):
        return [path for _, path, _ in self.requests]

    def entry(self, name, data):
        blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        entry = {"rfilename": name, "size": len(data), "blobId": blob}
        if name in self.large:
            entry["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
        return entry | self.listed.get(name, {})

    def _serve(self, name):
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                hub.requests.append((name, self.path, dict(self.headers)))
                hub._answer(name, self)

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.handle_error = lambda *_: None  # clients that go away are part of the tests
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def _say(self, handler, status, headers=(), body=b""):
        handler.send_response(status)
        for key, value in dict(headers).items():
            handler.send_header(key, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _answer(self, server, handler):
        path = urllib.parse.unquote(urllib.parse.urlsplit(handler.path).path)
        for beginning, answers in self.statuses.items():
            if path.startswith(beginning) and answers:
                status, headers = answers.pop(0)
                return self._say(handler, status, headers)
        if self.token and server == "hub" and handler.headers.get("Authorization") != f"Bearer {self.token}":
            return self._say(handler, 401, {"X-Error-Code": "GatedRepo"})
        for name, files in self.models.items():
            if path.startswith(f"/api/models/{name}/revision/"):
                entries = [self.entry(file, data) for file, data in files.items()]
                return self._say(handler, 200, {}, json.dumps({"sha": COMMIT, "siblings": entries}).encode())
            if path.startswith(f"/{name}/resolve/{COMMIT}/"):
                file = path.split(COMMIT + "/", 1)[1]
                if file in files and file in self.large and server == "hub":
                    return self._say(handler, 302, {"Location": f"{self.content}{handler.path}?signed=1"})
                if file in files:
                    return self._send_file(handler, file, self.wrong.get(file, files[file]))
        self._say(handler, 404, {"X-Error-Code": "RepoNotFound"})

    def _send_file(self, handler, file, data):
        begin = 0
        wanted = handler.headers.get("Range")
        if wanted and not self.no_ranges:
            begin = int(wanted.removeprefix("bytes=").rstrip("-"))
            if begin >= len(data):
                return self._say(handler, 416)
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        else:
            handler.send_response(200)
        handler.send_header("Content-Length", str(len(data) - begin))
        handler.end_headers()
        cut = self.cuts.pop(file, None)
        handler.wfile.write(data[begin:cut])
        handler.wfile.flush()
        if cut is not None:
            handler.close_connection = True
            handler.connection.shutdown(2)
