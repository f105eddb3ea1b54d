"""continuo: continues text with a small language model. The work is done by the program, which runs beside Python as a
co-process; the fields of requests and answers are those of `continuo batch` and `continuo score --jsonl`."""
from __future__ import annotations

import atexit
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Mapping, Union

__all__ = ["Completion", "ContinuoError", "Program", "Score", "batch", "complete", "score"]

Request = Union[str, Mapping[str, Any]]
_BUNDLED = pathlib.Path(__file__).parent / "program" / "bin" / "continuo"


class ContinuoError(Exception):
    """The program refused a request, or ended. `kind` is its type: "invalid_request", "context_length_exceeded", ..."""

    def __init__(self, message: str, kind: str = "ended") -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Completion:
    texts: list[str]  # n of them
    finish_reasons: list[str]
    raw: dict[str, Any]  # the whole answer

    @property
    def text(self) -> str:
        return self.texts[0]


@dataclass(frozen=True)
class Score:
    logprob: float | None  # of the text or the completion; of choices: see raw
    raw: dict[str, Any]


def program_path() -> str:
    """CONTINUO_PROGRAM, else the program that came with this package, else the one on PATH."""
    found = os.environ.get("CONTINUO_PROGRAM") or (str(_BUNDLED) if _BUNDLED.exists() else shutil.which("continuo"))
    if not found:
        raise ContinuoError("there is no program named continuo")
    return found


class _Lines:
    """A process that answers each line with a line, in order. One exchange at a time."""

    def __init__(self, arguments: list[str]) -> None:
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen([program_path(), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=self._errors)
        self._lock = threading.Lock()

    def exchange(self, requests: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        with self._lock:
            answered = False
            sent: collections.deque[bool] = collections.deque()  # a True for each request, then False
            waiting = threading.Condition()
            failure: list[BaseException] = []

            def send() -> None:
                try:
                    for request in requests:
                        self._write(json.dumps(dict(request)))
                        with waiting:
                            sent.append(True)
                            waiting.notify()
                except BaseException as error:  # the reader raises it
                    failure.append(error)
                with waiting:
                    sent.append(False)
                    waiting.notify()

            sender = threading.Thread(target=send, daemon=True)
            sender.start()
            try:
                while True:
                    with waiting:
                        waiting.wait_for(lambda: bool(sent))
                        if not sent.popleft():
                            break
                    yield self._read()
                answered = True
            finally:
                if not answered:
                    self.close(kill=True)  # answers that nobody waits for would come first next time
                sender.join()
            if failure:
                raise failure[0]

    def _write(self, line: str) -> None:
        assert self._process.stdin
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass  # the reader learns why it ended

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            said = self._errors.read().decode(errors="replace").strip()
            raise ContinuoError(said or f"the program ended with {self._process.returncode}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self, kill: bool = False) -> None:
        if kill:
            self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                if pipe:
                    pipe.close()
            except BrokenPipeError:
                pass
        self._process.wait()
        self._errors.close()

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None


class Program:
    """A model that stays loaded until close(). `options` are those of the command line: "--greedy", "-t", "4"."""

    def __init__(self, model: str | None = None, *options: str) -> None:
        self._options = [*(["--model", model] if model else []), *options]
        self._processes: dict[str, _Lines] = {}
        self._lock = threading.Lock()

    def batch(self, requests: Iterable[Request], **common: Any) -> Iterator[Completion]:
        """Answers in the order of the requests, many of which run at the same time. A refused one raises ContinuoError."""
        for answer in self._process("batch").exchange({**common, **_fields(r)} for r in requests):
            yield _completion(answer)

    def complete(self, prompt: str, **fields: Any) -> Completion:
        return _completion(list(self._process("batch").exchange([{**fields, "prompt": prompt}]))[0])

    def score(self, text: str | None = None, **fields: Any) -> Score:
        """Of a text, or of prompt=... with completion=... or choices=[...]."""
        record = {**fields, "text": text} if text is not None else fields
        answer = _checked(list(self._process("score").exchange([record]))[0])
        return Score(answer.get("logprob"), answer)

    def close(self) -> None:
        for process in self._processes.values():
            process.close()
        self._processes.clear()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _process(self, command: str) -> _Lines:
        with self._lock:
            process = self._processes.get(command)
            if process is None or process.ended:
                arguments = [command, *(["--jsonl"] if command == "score" else []), *self._options]
                process = self._processes[command] = _Lines(arguments)
            return process


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    if "error" in answer:
        raise ContinuoError(answer["error"]["message"], answer["error"]["type"])
    return answer


def _completion(answer: dict[str, Any]) -> Completion:
    choices = _checked(answer).get("choices") or [answer]
    return Completion([c["text"] for c in choices], [c["finish_reason"] for c in choices], answer)


def _fields(request: Request) -> dict[str, Any]:
    return {"prompt": request} if isinstance(request, str) else dict(request)


_shared: dict[str | None, Program] = {}  # one for each model, until Python ends


@atexit.register
def _close_shared() -> None:
    for program in _shared.values():
        program.close()


def _program(model: str | None) -> Program:
    return _shared.setdefault(model, Program(model))


def complete(prompt: str, model: str | None = None, **fields: Any) -> Completion:
    return _program(model).complete(prompt, **fields)


def batch(requests: Iterable[Request], model: str | None = None, **common: Any) -> Iterator[Completion]:
    return _program(model).batch(requests, **common)


def score(text: str | None = None, model: str | None = None, **fields: Any) -> Score:
    return _program(model).score(text, **fields)


def main() -> None:
    os.execv(program_path(), ["continuo", *sys.argv[1:]])
