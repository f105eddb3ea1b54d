"""A running `continuo serve`, and clients of it: plain sockets and the standard library."""
import concurrent.futures
import http.client
import json
import re
import select
import signal
import socket
import subprocess
import sys
import time

PATIENCE = 120  # seconds; machines under load are slow


def program(binary, *arguments, stdin="", code=0):
    ran = subprocess.run([binary, *arguments], input=stdin, capture_output=True, text=True, timeout=PATIENCE)
    assert ran.returncode == code, (arguments, ran.returncode, ran.stderr)
    return ran


class Server:
    def __init__(self, binary, *arguments):
        command = [binary, "serve", "--port", "0", "--no-config", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
            raise AssertionError("the server does not say its address")
        line = self.process.stdout.readline().strip()
        match = re.fullmatch(r"http://127\.0\.0\.1:(\d+)", line)
        assert match, (line, self.process.stderr.read())
        self.port = int(match[1])

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def end(self, patience=PATIENCE):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(patience)

    # ---- one request a connection ----

    def ask(self, method, path, body=None, headers=None):
        """Status, headers, bytes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            text = json.dumps(body) if isinstance(body, (dict, list)) else body
            connection.request(method, path, text, headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def get(self, path, **headers):
        status, _, body = self.ask("GET", path, headers=headers)
        return status, json.loads(body)

    def post(self, path, body, headers=None):
        status, _, answer = self.ask("POST", path, body, headers)
        return status, json.loads(answer)

    def complete(self, **fields):
        status, answer = self.post("/v1/completions", fields)
        assert status == 200, (fields, status, answer)
        return answer

    def chat(self, **fields):
        status, answer = self.post("/v1/chat/completions", fields)
        assert status == 200, (fields, status, answer)
        return answer

    def refused(self, status, path="/v1/completions", **fields):
        got, answer = self.post(path, fields)
        assert got == status, (fields, got, answer)
        assert set(answer) == {"error"} and set(answer["error"]) == {"message", "type", "param", "code"}, answer
        return answer["error"]

    def metric(self, name):
        _, _, body = self.ask("GET", "/metrics")
        return float(re.search(rf"^{name} (\S+)$", body.decode(), re.M)[1])

    # ---- streams ----

    def events(self, path="/v1/completions", **fields):
        """The objects of a streamed completion, and whether [DONE] came last."""
        status, headers, body = self.ask("POST", path, {**fields, "stream": True})
        assert status == 200, body
        assert headers["Content-Type"] == "text/event-stream", headers
        lines = body.decode().split("\n\n")
        assert lines.pop() == "", body
        assert all(line.startswith("data: ") for line in lines), lines
        data = [line[len("data: "):] for line in lines]
        done = data[-1] == "[DONE]"
        return [json.loads(one) for one in data[: len(data) - done]], done

    def begin_stream(self, **fields):
        """A socket on which a stream's head has come."""
        body = json.dumps({**fields, "stream": True}).encode()
        client = self.connect()
        client.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        head = b""
        while b"data: " not in head:
            piece = client.recv(4096)
            assert piece, head
            head += piece
        assert head.startswith(b"HTTP/1.1 200 "), head
        return client, head

    # ---- bytes ----

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def raw(self, request, end=False):
        """All that comes back for bytes, until the server closes the connection."""
        with self.connect() as client:
            client.sendall(request)
            if end:
                client.shutdown(socket.SHUT_WR)
            return read_all(client)


def read_all(client):
    answer = b""
    while True:
        try:
            piece = client.recv(65536)
        except ConnectionResetError:
            return answer
        if not piece:
            return answer
        answer += piece


def eventually(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"never: {what}")
        time.sleep(0.05)


def at_once(tasks, workers=32):
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda task: task(), tasks))


def run_tests(tests):
    """Runs functions; says which failed."""
    failed = 0
    for test in tests:
        try:
            test()
            print(f"ok      {test.__name__}", flush=True)
        except Exception as error:  # all are told
            failed += 1
            import traceback

            traceback.print_exc()
            print(f"FAILED  {test.__name__}: {error}", flush=True)
    sys.exit(1 if failed else 0)
