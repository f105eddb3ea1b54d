#!/usr/bin/env python3
"""The program as one file: what it needs, how it is hardened, what `cmake --install` puts where, and that all of it runs in a
root that has nothing else. usage: package_test.py CONTINUO BUILD-FOLDER CMAKE one-file|static|shared|other"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

CONTINUO, BUILD, CMAKE, KIND = sys.argv[1:5]
C_LIBRARY = re.compile(r"(libc|libm|libpthread|libdl|librt|ld-linux[-\w]*)\.so\.\d+")


def said(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=True, **more).stdout


class Binary(unittest.TestCase):
    def setUp(self):
        if not shutil.which("readelf"):
            self.skipTest("no readelf")

    def test_needs_the_c_library_alone(self):
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", said("readelf", "-d", CONTINUO))
        if KIND == "static":
            self.assertEqual(needed, [])
            self.assertNotIn("INTERP", said("readelf", "-lW", CONTINUO))
        elif KIND == "one-file":
            self.assertTrue(needed)
            self.assertEqual([name for name in needed if not C_LIBRARY.fullmatch(name)], [])
        else:
            self.skipTest("linked otherwise: " + KIND)

    def test_is_hardened(self):
        if KIND == "other":
            self.skipTest("built without hardening")
        self.assertRegex(said("readelf", "-hW", CONTINUO), r"Type:\s+DYN")  # its addresses move
        segments = said("readelf", "-lW", CONTINUO)
        self.assertRegex(segments, r"GNU_RELRO")
        self.assertNotRegex(segments, r"GNU_STACK.*RWE")
        self.assertRegex(said("readelf", "-dW", CONTINUO), r"BIND_NOW|FLAGS.*NOW")
        if KIND != "static":
            symbols = said("readelf", "--dyn-syms", "-W", CONTINUO)
            self.assertIn("__stack_chk_fail", symbols)
            self.assertRegex(symbols, r"__\w+_chk@")  # of _FORTIFY_SOURCE


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        subprocess.run([CMAKE, "--install", BUILD, "--component", "continuo", "--prefix", cls.root / "usr"],
                       stdout=subprocess.DEVNULL, check=True)

    def test_files_are_where_systems_look(self):
        usr = self.root / "usr"
        self.assertTrue((usr / "share/man/man1/continuo.1").read_text().startswith(".TH"), "the manual page")
        self.assertIn("complete", (usr / "share/bash-completion/completions/continuo").read_text())
        self.assertTrue((usr / "share/zsh/vendor-completions/_continuo").read_text().startswith("#compdef continuo"))
        self.assertIn("complete -c continuo", (usr / "share/fish/vendor_completions.d/continuo.fish").read_text())
        self.assertIn("Apache License", (usr / "share/doc/continuo/copyright").read_text())
        self.assertTrue((usr / "share/continuo/models/toy/model.json").exists())

    def test_runs_in_a_bare_root(self):
        if KIND not in ("one-file", "static") or os.geteuid() != 0:
            self.skipTest("needs to be root, and a program that is one file")
        libraries = [] if KIND == "static" else re.findall(r"(/\S+)", said("ldd", CONTINUO))
        for library in libraries:
            place = self.root / library.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, place)
        (self.root / "program").mkdir(exist_ok=True)
        shutil.copy(self.root / "usr/bin/continuo", self.root / "program/continuo")

        def inside(*command):
            # Nothing of the build tree: the root is the folder, and there is no /proc.
            return subprocess.run(command, capture_output=True, text=True, check=False, env={},
                                  preexec_fn=lambda: (os.chroot(self.root), os.chdir("/")))

        for model in ("tales", "poems"):
            command = ("--greedy", "-n", "8", "-m", model, "Once upon a time" if model == "tales" else "床前明月光，")
            ran = inside("/program/continuo", *command)
            self.assertEqual((ran.returncode, ran.stderr), (0, ""))
            self.assertEqual(ran.stdout, said(CONTINUO, *command))
        self.assertEqual(inside("/program/continuo", "pull", "a/b").returncode, 2)  # it says what is missing


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
