#!/usr/bin/env python3
"""The Python module against the program that it talks to. usage: module_test.py CONTINUO"""
import os
import pathlib
import subprocess
import sys
import threading
import unittest

PROGRAM = sys.argv[1]
os.environ["CONTINUO_PROGRAM"] = PROGRAM
sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "python"))
import continuo  # noqa: E402


def command_line(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=True).stdout


class Module(unittest.TestCase):
    def test_complete_is_what_the_command_line_says(self):
        answer = continuo.complete("Once upon a time", max_tokens=9, temperature=0)
        self.assertEqual(answer.text, command_line("--greedy", "-n", "9", "Once upon a time"))
        self.assertEqual((answer.finish_reasons, answer.raw["completion_tokens"]), (["length"], 9))

    def test_batch_answers_in_order_and_as_asked_alone(self):
        prompts = [f"Day {i}. " for i in range(200)]
        texts = [answer.text for answer in continuo.batch(prompts, max_tokens=3, temperature=0)]
        self.assertEqual(len(texts), 200)
        for i in (0, 57, 199):
            self.assertEqual(texts[i], command_line("--greedy", "-n", "3", prompts[i]))

    def test_samples(self):
        answer = next(iter(list(continuo.batch([{"prompt": "One day", "n": 3, "max_tokens": 4}]))))
        self.assertEqual((len(answer.texts), len(answer.finish_reasons)), (3, 3))

    def test_requests_can_depend_on_answers(self):
        with continuo.Program(None, "--greedy", "-n", "2") as program:
            text = "One day"
            for _ in range(3):
                text += program.complete(text).text
        self.assertEqual(text, "One day" + command_line("--greedy", "-n", "6", "One day"))

    def test_score(self):
        total = float(command_line("score", "--json", "The cat sat.").split('"sum":')[1].split(",")[0])
        self.assertAlmostEqual(continuo.score("The cat sat.").logprob, total, places=4)
        chosen = continuo.score(prompt="The cat", choices=[" sat", " zzq"], answer=0)
        self.assertIsNone(chosen.logprob)
        self.assertEqual(chosen.raw["best"]["raw"], 0)

    def test_refused_requests(self):
        with self.assertRaises(continuo.ContinuoError) as refused:
            continuo.complete("x", top_p=7)
        self.assertEqual(refused.exception.kind, "invalid_request")
        self.assertIn("top_p", str(refused.exception))
        self.assertTrue(continuo.complete("One day", max_tokens=2).text)  # the next is answered as ever

    def test_a_program_that_ends(self):
        with self.assertRaisesRegex(continuo.ContinuoError, "no-such-model"):
            continuo.complete("x", model="no-such-model")

    def test_threads_take_turns(self):
        texts = {}
        ask = lambda i: texts.__setitem__(i, continuo.complete(f"Day {i}", max_tokens=3, temperature=0).text)
        threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(texts[5], command_line("--greedy", "-n", "3", "Day 5"))

    def test_an_iterable_that_fails(self):
        def requests():
            yield "One day"
            raise KeyError("source")

        with self.assertRaises(KeyError):
            list(continuo.batch(requests(), max_tokens=2))
        self.assertTrue(continuo.complete("One day", max_tokens=2).text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
