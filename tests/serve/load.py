"""Load for a completions server, by asyncio and the standard library alone.

    load.py BINARY                    starts `continuo serve`, loads it, checks every answer; a small run, for the suite
    load.py BINARY --requests 10000 --streams 1000            the same, larger
    load.py --url http://127.0.0.1:8080 --requests 64 --streams 8 --hostile 0      measures a server that runs, of any make

With BINARY the texts are compared with those of `continuo batch`, so that an answer which is another request's is found.
Beside the requests there are hostile clients: processes killed in the middle (SIGKILL), readers that stall, connections on
which nothing or half a request comes, bytes that are no HTTP. The report is JSON on stdout. Exit code 77: this build has no
server.
"""
import argparse
import asyncio
import json
import random
import re
import resource
import signal
import statistics
import subprocess
import sys
import time
import urllib.parse

from serving import PATIENCE, Server, program

PROMPTS = ["Once upon a time", "The cat", "A little bird", "One day, Tom", "In the garden", "She was", "The old man", "Lily wanted"]
NO_HTTP = [b"\x00" * 100, b"GET\r\n\r\n", b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: zz\r\n\r\n", b"\x16\x03\x01\x02\x00\x01",
           b"GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n", b"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\n{]]"]


def request_of(i, tokens):
    """Requests of which no two have the same text, all but certainly."""
    return {"prompt": PROMPTS[i % len(PROMPTS)], "seed": i, "max_tokens": tokens - i % 5, "temperature": 1}


class Client:
    """A completion over a connection of its own, or of many in a row."""

    def __init__(self, host, port):
        self.host, self.port = host, port
        self.reader = self.writer = None

    async def open(self):
        for attempt in range(100):  # a full queue of connections drops some
            try:
                self.reader, self.writer = await asyncio.open_connection(self.host, self.port, limit=1 << 20)
                return
            except (ConnectionError, OSError):
                await asyncio.sleep(0.05 * (attempt + 1))
        raise AssertionError("cannot connect")

    def close(self, abort=False):
        if self.writer:
            self.writer.transport.abort() if abort else self.writer.close()
        self.reader = self.writer = None

    async def send(self, fields):
        body = json.dumps(fields).encode()
        head = f"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.writer.write(head.encode() + body)
        await self.writer.drain()

    async def head(self):
        status = int((await self.reader.readline()).split()[1])
        headers = {}
        while (line := (await self.reader.readline()).strip()):
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return status, headers

    async def chunks(self, headers):
        if "content-length" in headers:
            yield await self.reader.readexactly(int(headers["content-length"]))
            return
        while True:
            size = int((await self.reader.readline()).strip(), 16)
            chunk = await self.reader.readexactly(size)
            await self.reader.readline()
            if size == 0:
                return
            yield chunk

    async def complete(self, fields):
        """Status, text, seconds to the first text."""
        if self.writer is None:
            await self.open()
        begin = time.monotonic()
        await self.send(fields)
        status, headers = await self.head()
        text, first, waiting = "", None, b""
        async for chunk in self.chunks(headers):
            if first is None:
                first = time.monotonic() - begin
            waiting += chunk
        if status == 200 and fields.get("stream"):
            events = [line[6:] for line in waiting.decode().split("\n") if line.startswith("data: ")]
            assert events[-1] == "[DONE]", events[-1]
            text = "".join(choice.get("text", "") for event in events[:-1] for choice in json.loads(event)["choices"])
        elif status == 200:
            text = json.loads(waiting)["choices"][0]["text"]
        if headers.get("connection", "").lower() == "close":
            self.close()
        return status, text, first


class Load:
    def __init__(self, host, port, options, expected):
        self.host, self.port, self.options, self.expected = host, port, options, expected
        self.next, self.busy = 0, 0
        self.first, self.wrong, self.failed = [], [], []
        self.done = asyncio.Event()

    async def worker(self):
        client = Client(self.host, self.port)
        while self.next < self.options.requests:
            i, self.next = self.next, self.next + 1
            fields = {**request_of(i, self.options.tokens), "stream": i % 8 != 7 or self.expected is None}
            try:
                status, text, first = await client.complete(fields)
                while status == 429:
                    self.busy += 1
                    await asyncio.sleep(0.2)
                    status, text, first = await client.complete(fields)
            except (ConnectionError, OSError, AssertionError, asyncio.IncompleteReadError, IndexError) as error:
                self.failed.append((i, repr(error)))
                client.close()
                continue
            if status != 200:
                self.failed.append((i, status))
            elif self.expected is not None and text != self.expected[i]:
                self.wrong.append((i, text, self.expected[i]))
            if fields["stream"] and first is not None:
                self.first.append(first)
        client.close()

    # ---- clients that do not behave ----

    async def hostile(self, kind, dice):
        while not self.done.is_set():
            client = Client(self.host, self.port)
            try:
                await client.open()
                await kind(self, client, dice)
            except (ConnectionError, OSError, AssertionError, asyncio.IncompleteReadError, IndexError, ValueError):
                pass  # the server has a right to hang up on these
            client.close(abort=dice.random() < 0.5)

    async def leaves(self, client, dice):
        await client.send({**request_of(dice.randrange(1000), 200), "stream": True})
        await asyncio.sleep(dice.random() * 0.3)

    async def stalls(self, client, dice):
        client.writer.transport.pause_reading()
        await client.send({**request_of(dice.randrange(1000), 200), "stream": True, "n": 4})
        await asyncio.wait([asyncio.ensure_future(self.done.wait())], timeout=3)

    async def half_open(self, client, dice):
        client.writer.write(b"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{"[: dice.randrange(80)])
        await asyncio.wait([asyncio.ensure_future(self.done.wait())], timeout=2)

    async def malformed(self, client, dice):
        client.writer.write(dice.choice(NO_HTTP) if dice.random() < 0.5 else dice.randbytes(dice.randrange(1, 300)))
        await asyncio.wait_for(client.reader.read(1000), 2)

    async def killed(self, dice):
        """A process of many streams, killed in the middle."""
        while not self.done.is_set():
            url = f"http://{self.host}:{self.port}"
            child = await asyncio.create_subprocess_exec(
                sys.executable, __file__, "--url", url, "--streams", "4", "--requests", "100000", "--tokens", "40", "--hostile", "0",
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            await asyncio.wait([asyncio.ensure_future(self.done.wait())], timeout=0.5 + 2 * dice.random())
            child.send_signal(signal.SIGKILL)
            await child.wait()

    async def run(self):
        dice = random.Random(self.options.seed)
        kinds = [Load.leaves, Load.stalls, Load.half_open, Load.malformed]
        others = [asyncio.create_task(self.hostile(kinds[i % 4], dice)) for i in range(self.options.hostile)]
        if self.options.hostile:
            others.append(asyncio.create_task(self.killed(dice)))
        begin = time.monotonic()
        await asyncio.gather(*[self.worker() for _ in range(self.options.streams)])
        seconds = time.monotonic() - begin
        self.done.set()
        await asyncio.gather(*others)
        return seconds


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else None


def resident_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) / 1024


def report(load, seconds, options):
    return {"requests": options.requests, "streams": options.streams, "seconds": round(seconds, 3),
            "requests_per_second": round(options.requests / seconds, 2), "told_to_wait": load.busy,
            "first_token_ms": {"p50": round(1e3 * statistics.median(load.first), 2), "p99": round(1e3 * percentile(load.first, 0.99), 2)}
            if load.first else None, "wrong": len(load.wrong), "failed": len(load.failed)}


def expected_texts(binary, arguments, options):
    lines = "".join(json.dumps(request_of(i, options.tokens)) + "\n" for i in range(options.requests))
    begin = time.monotonic()
    ran = program(binary, "batch", "--no-config", "-q", *arguments, stdin=lines)
    return [json.loads(line)["text"] for line in ran.stdout.splitlines()], time.monotonic() - begin


def run_own(options):
    """A server of our own: loaded twice, so that memory which grows shows."""
    arguments = (["-m", options.model] if options.model else []) + options.argument
    expected, batch_seconds = expected_texts(options.binary, arguments, options)
    with Server(options.binary, "--queue", "100000", *arguments) as server:
        rounds, resident = [], []
        for _ in range(options.rounds):
            load = Load("127.0.0.1", server.port, options, expected)
            rounds.append(report(load, asyncio.run(load.run()), options))
            for i, text, want in load.wrong[:3]:
                print(f"request {i}: {text!r} instead of {want!r}", file=sys.stderr)
            for failure in load.failed[:3]:
                print(f"request failed: {failure}", file=sys.stderr)
            end = time.monotonic() + PATIENCE
            while server.metric("continuo_sequences") > 0 and time.monotonic() < end:
                time.sleep(0.1)
            resident.append(round(resident_mib(server.process.pid), 1))
            assert server.metric("continuo_sequences") == 0, "sequences of clients that went away are still there"
            assert server.process.poll() is None, "the server is gone"
        code = server.end()
    result = {"batch_seconds": round(batch_seconds, 3), "rounds": rounds, "resident_mib": resident, "exit_code": code}
    print(json.dumps(result))
    assert code == 0, code
    assert not any(each["wrong"] or each["failed"] for each in rounds), "answers are missing or wrong"
    # Allocators keep some of what a first round took; what leaks grows with each.
    assert len(resident) < 3 or resident[-1] < resident[-2] * 1.05 + 4, resident


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", nargs="?")
    parser.add_argument("--url")
    parser.add_argument("-m", "--model")
    parser.add_argument("--argument", action="append", default=[], help="one more argument for continuo")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--streams", type=int, default=50)
    parser.add_argument("--tokens", type=int, default=12)
    parser.add_argument("--hostile", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=20)
    options = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if options.url:
        url = urllib.parse.urlparse(options.url)
        load = Load(url.hostname, url.port, options, None)
        print(json.dumps(report(load, asyncio.run(load.run()), options)))
        sys.exit(1 if load.failed else 0)
    probe = subprocess.run([options.binary, "serve", "--host", "x y", "--insecure"], capture_output=True, text=True)
    if "this build has no server" in probe.stderr:
        print("skipped: this build has no server")
        sys.exit(77)
    run_own(options)


if __name__ == "__main__":
    main()
