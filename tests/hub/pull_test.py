#!/usr/bin/env python3
"""continuo pull against a hub on loopback: what arrives in the cache, and every way in which a transfer goes wrong.
usage: pull_test.py CONTINUO [TEST...]"""
import fcntl
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.dont_write_bytecode = True
from hub import COMMIT, Hub  # noqa: E402

CONTINUO = sys.argv[1]
TOY = pathlib.Path(__file__).resolve().parents[2] / "models" / "tales"
NAME = "org/tiny"
SMALL = {"config.json": b'{"model_type": "none"}', "tokenizer.json": b"{}", "README.md": b"read me"}
WEIGHTS = bytes(i * 7 % 251 for i in range(300_000))


class Pull(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = pathlib.Path(folder.name)
        self.files = SMALL | {"model.safetensors": WEIGHTS}
        self.hub = Hub({NAME: self.files})
        self.addCleanup(self.hub.close)

    def environment(self, **more):
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING", "http", "HTTP"))}
        return kept | {"HF_HOME": str(self.home), "HF_ENDPOINT": self.hub.endpoint} | more

    def run_pull(self, *arguments, **more):
        return subprocess.run([CONTINUO, "pull", *arguments], env=self.environment(**more), capture_output=True, text=True,
                              timeout=120, check=False)

    def pull(self, *arguments, **more):
        ran = self.run_pull(*(arguments or (NAME,)), **more)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        return pathlib.Path(ran.stdout.rstrip("\n"))

    def fails(self, text, code, *arguments, **more):
        ran = self.run_pull(*(arguments or (NAME,)), **more)
        self.assertEqual(ran.stdout, "")
        self.assertIn(text, ran.stderr)
        self.assertEqual(ran.stderr.count("\n"), 1, ran.stderr)
        self.assertEqual(ran.returncode, code, ran.stderr)

    def model(self):
        return self.home / "hub" / "models--org--tiny"

    def leftovers(self):
        return [p for p in self.model().rglob("*") if p.name.endswith((".incomplete", ".new"))]

    def test_cache_is_laid_out_as_the_libraries_do_it(self):
        snapshot = self.pull()
        self.assertEqual(snapshot, self.model() / "snapshots" / COMMIT)
        self.assertEqual((self.model() / "refs" / "main").read_text(), COMMIT)
        self.assertEqual({p.name for p in snapshot.iterdir()}, {"config.json", "tokenizer.json", "model.safetensors"})
        for link in snapshot.iterdir():
            self.assertEqual(link.read_bytes(), self.files[link.name])
            self.assertTrue(os.readlink(link).startswith("../../blobs/"), os.readlink(link))
        names = {p.name for p in (self.model() / "blobs").iterdir()}
        self.assertIn(hashlib.sha256(WEIGHTS).hexdigest(), names)
        config = SMALL["config.json"]
        self.assertIn(hashlib.sha1(b"blob %d\0" % len(config) + config).hexdigest(), names)
        self.assertEqual(self.leftovers(), [])

    def test_libraries_find_what_was_pulled(self):
        try:
            import huggingface_hub
        except ImportError:
            self.skipTest("no huggingface_hub in this python")
        snapshot = self.pull()
        script = ("from huggingface_hub import hf_hub_download, snapshot_download\n"
                  f"print(snapshot_download({NAME!r}))\nprint(hf_hub_download({NAME!r}, 'model.safetensors'))")
        said = subprocess.run([sys.executable, "-c", script], env=self.environment(HF_HUB_OFFLINE="1"), capture_output=True,
                              text=True, check=True).stdout.split()
        self.assertEqual(said, [str(snapshot), str(snapshot / "model.safetensors")], huggingface_hub.__version__)

    def test_nothing_is_fetched_twice(self):
        self.pull()
        before = len(self.hub.requests)
        self.pull()
        self.assertEqual(len(self.hub.requests), before + 1)  # the list
        self.files["config.json"] = b'{"model_type": "other"}'
        self.assertEqual((self.pull() / "config.json").read_bytes(), self.files["config.json"])
        self.assertEqual(len(self.hub.requests), before + 3)  # the list, and what has changed

    def test_include(self):
        self.files |= {"a.q4_k.gguf": b"GGUF", "a.q8_0.gguf": b"GGUF8", "sub/deep/b.gguf": b"B"}
        self.assertEqual({p.name for p in self.pull(NAME, "--include", "*q4_k*").iterdir()}, {"a.q4_k.gguf"})
        snapshot = self.pull(NAME, "--include", "sub/", "--include", "README.md")
        self.assertEqual(os.readlink(snapshot / "sub/deep/b.gguf").count("../"), 4)
        self.assertEqual((snapshot / "sub/deep/b.gguf").read_bytes(), b"B")
        self.assertEqual((snapshot / "README.md").read_bytes(), SMALL["README.md"])
        self.fails("--include 'x*' matches no file of the model (it has config.json", 2, NAME, "--include", "x*")

    def test_default_choice(self):
        self.files |= {"pytorch_model.bin": b"x", "consolidated.safetensors": b"y", "onnx/model.onnx": b"z",
                       "1_Pooling/config.json": b"{}", "model.q8_0.gguf": b"g", "merges.txt": b"m"}
        names = {str(p.relative_to(self.pull())) for p in self.pull().rglob("*") if p.is_symlink()}
        self.assertEqual(names, {"config.json", "tokenizer.json", "model.safetensors", "1_Pooling/config.json", "merges.txt"})

    def test_weights_in_parts(self):
        del self.files["model.safetensors"]
        self.files |= {"model.safetensors.index.json": b"{}", "model-00001-of-00002.safetensors": b"1",
                       "model-00002-of-00002.safetensors": b"2", "consolidated.00.safetensors": b"0"}
        names = {p.name for p in self.pull().iterdir()}
        self.assertEqual(names, set(self.files) - {"README.md", "consolidated.00.safetensors"})

    def test_one_gguf_model_is_meant_several_are_asked_about(self):
        del self.files["model.safetensors"]
        self.files |= {"m-00001-of-00002.gguf": b"1", "m-00002-of-00002.gguf": b"2"}
        self.assertLessEqual({"m-00001-of-00002.gguf", "m-00002-of-00002.gguf"}, {p.name for p in self.pull().iterdir()})
        self.files["other.gguf"] = b"3"
        self.fails("org/tiny has several GGUF models (name one with --include: m, other.gguf)", 2)
        for name in list(self.files):
            if name.endswith(".gguf"):
                del self.files[name]
        self.fails("org/tiny: has no weights that continuo reads", 3)

    def test_goes_on_where_the_connection_was_cut(self):
        self.hub.cuts["model.safetensors"] = 100_000
        self.assertEqual((self.pull() / "model.safetensors").read_bytes(), WEIGHTS)
        ranges = [headers.get("Range") for server, _, headers in self.hub.requests if server == "content"]
        self.assertEqual(ranges, [None, "bytes=100000-"])

    def test_goes_on_with_what_an_earlier_run_left(self):
        part = self.model() / "blobs" / (hashlib.sha256(WEIGHTS).hexdigest() + ".incomplete")
        part.parent.mkdir(parents=True)
        part.write_bytes(WEIGHTS[:123_456])
        self.assertEqual((self.pull() / "model.safetensors").read_bytes(), WEIGHTS)
        self.assertEqual([h.get("Range") for s, _, h in self.hub.requests if s == "content"], ["bytes=123456-"])

    def test_what_an_earlier_run_left_may_be_wrong(self):
        part = self.model() / "blobs" / (hashlib.sha256(WEIGHTS).hexdigest() + ".incomplete")
        for left in (b"x" * 5000, WEIGHTS + b"more", WEIGHTS[:-1] + b"!"):
            part.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(left)
            self.assertEqual((self.pull() / "model.safetensors").read_bytes(), WEIGHTS)
            (self.model() / "blobs" / hashlib.sha256(WEIGHTS).hexdigest()).unlink()

    def test_server_without_ranges(self):
        self.hub.no_ranges = True
        self.hub.cuts["model.safetensors"] = 50_000
        self.assertEqual((self.pull() / "model.safetensors").read_bytes(), WEIGHTS)

    def test_wrong_contents_are_refused_and_removed(self):
        self.hub.wrong["model.safetensors"] = WEIGHTS[:-1] + b"!"
        self.fails("model.safetensors: what was fetched has the checksum ", 3)
        self.files["config.json"] = b'{"model_type": "nine"}'  # not the one that is here already
        self.hub.wrong = {"config.json": b'{"model_type": "none"}'}
        self.fails("config.json: what was fetched has the checksum ", 3)
        self.assertEqual(self.leftovers(), [])
        self.assertFalse((self.model() / "refs" / "main").exists())

    def test_more_than_was_said(self):
        self.hub.wrong["model.safetensors"] = WEIGHTS * 2
        self.fails("model.safetensors: the server sends more than the 300000 bytes it has", 3)

    def test_token_goes_to_the_hub_alone(self):
        self.hub.token = "hf_secret"
        self.pull(HF_TOKEN="hf_secret")
        sent = {server: [h.get("Authorization") for s, _, h in self.hub.requests if s == server] for server in ("hub", "content")}
        self.assertEqual(set(sent["hub"]), {"Bearer hf_secret"})
        self.assertEqual(set(sent["content"]), {None})

    def test_token_of_a_file(self):
        self.hub.token = "hf_kept"
        (self.home / "token").write_text("hf_kept\n")
        self.pull()
        self.fails("answers 401 (GatedRepo) (it may not exist, or want a token", 3, NAME, HF_HUB_DISABLE_IMPLICIT_TOKEN="1")
        (self.home / "other").write_text(" hf_kept ")
        (self.home / "token").write_text("hf_old")
        self.pull(NAME, HF_TOKEN_PATH=str(self.home / "other"))
        self.fails("the hub's token has characters that no token has", 2, NAME, HF_TOKEN="a\nX-Other: b")

    def test_refusals(self):
        self.fails("answers 404 (RepoNotFound) (is the name right", 3, "org/other")
        self.hub.statuses["/api/"] = [(403, {})]
        self.fails("answers 403 (this token may not read it", 3, NAME, HF_TOKEN="x")
        self.fails("'../x' is no model's name", 2, "../x")
        self.fails("expected ORG/NAME", 2, "a/b", "c/d")
        self.fails("HF_ENDPOINT is 'ftp://x'", 2, NAME, HF_ENDPOINT="ftp://x")

    def test_waits_when_asked_to(self):
        self.hub.statuses["/api/"] = [(429, {"Retry-After": "1"}), (503, {"Retry-After": "0"})]
        begin = time.monotonic()
        self.pull()
        self.assertGreaterEqual(time.monotonic() - begin, 1)
        self.hub.statuses["/api/"] = [(429, {"Retry-After": "86400"})]
        self.fails("answers 429 (too many requests", 3)

    def test_offline(self):
        for value in ("1", "true", "ON"):
            self.fails("HF_HUB_OFFLINE is set, so nothing is fetched", 2, NAME, HF_HUB_OFFLINE=value)
        self.assertEqual(self.hub.requests, [])

    def test_names_that_lead_out_of_the_folder(self):
        for name in ("../evil", "/etc/evil", "a/../../evil", "a//b", "./a", "a\\b", "a\nb", "", "x" * 300):
            self.hub.listed["README.md"] = {"rfilename": name}
            self.fails("which is no path within a folder", 3, NAME, "--include", "*")
        self.hub.listed["README.md"] = {"rfilename": "config.json"}
        self.fails("lists 'config.json' twice", 3)
        self.assertEqual([p for p in self.home.rglob("*") if p.is_file()], [])

    def test_lists_that_cannot_be_meant(self):
        for listed in ({"blobId": "../../x"}, {"blobId": None}, {"size": -1}, {"size": "9"}, {"lfs": {"sha256": "AB" * 32, "size": 1}}):
            self.hub.listed["config.json"] = listed
            self.fails("gives no size and checksum of 'config.json'", 3)

    def test_redirects(self):
        self.hub.statuses["/api/"] = [(307, {"Location": f"/api/models/{NAME}/revision/main?blobs=true"})]
        self.pull()
        self.hub.statuses["/api/"] = [(302, {"Location": "file:///etc/passwd"})] * 99
        self.fails("a redirect leads away from", 3)
        self.hub.statuses["/api/"] = [(302, {"Location": f"/api/models/{NAME}/revision/main"})] * 99
        self.fails("too many redirects", 3)

    def test_revisions(self):
        self.pull(f"{NAME}@refs/pr/1")
        self.assertEqual((self.model() / "refs/refs/pr/1").read_text(), COMMIT)
        self.assertIn(f"/api/models/{NAME}/revision/refs%2Fpr%2F1?blobs=true", self.hub.paths())
        self.pull(f"{NAME}@{COMMIT}")
        self.assertFalse((self.model() / "refs" / COMMIT).exists())

    def test_two_at_a_time_fetch_once(self):
        lock = self.home / "hub" / ".locks" / "models--org--tiny" / (hashlib.sha256(WEIGHTS).hexdigest() + ".lock")
        lock.parent.mkdir(parents=True)
        with lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            done = []
            threads = [threading.Thread(target=lambda: done.append(self.run_pull(NAME).returncode)) for _ in range(2)]
            for thread in threads:
                thread.start()
            time.sleep(1)
            self.assertEqual(done, [])
            fcntl.flock(held, fcntl.LOCK_UN)
            for thread in threads:
                thread.join()
        self.assertEqual(done, [0, 0])
        self.assertEqual(len([1 for server, _, _ in self.hub.requests if server == "content"]), 1)

    def test_what_was_pulled_runs_by_its_name(self):
        for name in ("config.json", "generation_config.json", "tokenizer.json", "model.safetensors"):
            self.files[name] = (TOY / name).read_bytes()
        command = [CONTINUO, "-m", NAME, "--greedy", "-n", "4", "One day"]
        ran = subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=False)
        self.assertEqual(ran.returncode, 3)
        self.assertIn(f"`continuo pull {NAME}` fetches one from the hub", ran.stderr)
        self.assertEqual(self.hub.requests, [])
        self.pull()
        ran = subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=False)
        shipped = subprocess.run([CONTINUO, "-m", "tales", *command[3:]], capture_output=True, text=True, check=True)
        self.assertEqual((ran.stdout, ran.stderr), (shipped.stdout, ""))


if __name__ == "__main__":
    if "cannot fetch models" in subprocess.run([CONTINUO, "pull", "a/b"], env=os.environ | {"HF_ENDPOINT": "http://127.0.0.1:9"},
                                               capture_output=True, text=True, check=False).stderr:
        print("this build cannot fetch models: skipped", file=sys.stderr)
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
