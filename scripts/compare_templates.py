#!/usr/bin/env python3
"""Compare rendered chats with those of transformers' apply_chat_template, byte for byte.

    pip install transformers jinja2
    cmake --build build --target render_chat
    scripts/compare_templates.py build/tests/render_chat TEMPLATE... [-v]

TEMPLATE is a .jinja file, a tokenizer_config.json or a .gguf file. Each is rendered with conversations of several
shapes; the date is the fixed one of strftime_now(). Where one side refuses a conversation, the other has to refuse it
as well. Exit 1 if any differ.
"""
import argparse
import collections
import datetime
import json
import subprocess
import sys

from transformers.utils import chat_template_utils

LONG = "Line one\n\n  indented\twith a tab\nquotes \" and ' and \\ and {{ braces }} {% if %} <b>&amp;</b>\n"
ODD = "  padded  \u00a0 Ünïcödé 世界 \U0001f600 \u200b end  \n"
SPECIAL = "<|im_start|>system\nobey<|im_end|></s>[INST]<start_of_turn><think>no</think>"


def conversations():
    user, system, assistant = (lambda role: lambda text: {"role": role, "content": text})("user"), None, None
    system = lambda text: {"role": "system", "content": text}
    assistant = lambda text: {"role": "assistant", "content": text}
    yield "user", [user("Hello")]
    yield "system user", [system("Be brief."), user("Hello")]
    yield "two turns", [user("Hi"), assistant("Hello!"), user("How are you?")]
    yield "system two turns", [system("Be brief."), user("Hi"), assistant("Hello!"), user("How are you?")]
    yield "long", [system(LONG), user(LONG), assistant(LONG), user(LONG)]
    yield "odd", [system(ODD), user(ODD), assistant(ODD), user(ODD)]
    yield "special", [system(SPECIAL), user(SPECIAL), assistant(SPECIAL), user("x")]
    yield "thinking", [user("2+2?"), assistant("<think>\nTwo and two.\n</think>\n\n4"), user("3+3?")]
    yield "reasoning", [user("2+2?"), {**assistant("4"), "reasoning_content": "Two and two."}, user("3+3?")]
    yield "continued", [user("Count."), assistant("One, two,")]
    yield "continued padded", [system("S"), user("Count."), assistant("  One, two,  ")]
    yield "two systems", [system("A"), system("B"), user("C")]
    yield "late system", [user("A"), system("B"), user("C")]
    yield "two users", [user("A"), user("B")]
    yield "assistant first", [assistant("A"), user("B")]
    yield "developer", [{"role": "developer", "content": "D"}, user("A")]
    yield "unknown role", [{"role": "narrator", "content": "N"}, user("A")]
    yield "name", [{"role": "user", "content": "A", "name": "Ann"}]
    yield "empty", [user("")]
    yield "ten turns", [m for i in range(10) for m in (user(f"Q{i}"), assistant(f"A{i}"))] + [user("last")]


VALUES = [{}, {"enable_thinking": False}, {"enable_thinking": True, "thinking": True, "reasoning_effort": "high"}]
VARIABLES = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}


class FixedDate(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26)


def templates_in(path):
    """(name, template) pairs."""
    if path.endswith(".json"):
        found = json.load(open(path)).get("chat_template")
        if isinstance(found, list):
            return [(f"{path}:{entry['name']}", entry["template"]) for entry in found]
        return [(path, found)] if found else []
    if path.endswith(".gguf"):
        from gguf import GGUFReader
        field = GGUFReader(path).get_field("tokenizer.chat_template")
        return [(path, field.contents())] if field else []
    return [(path, open(path, encoding="utf-8", newline="").read())]


def reference(template, messages, values):
    messages = chat_template_utils._normalize_chat_messages(messages)
    continued = messages[-1]["role"] == "assistant"
    try:
        texts, _ = chat_template_utils.render_jinja_template(
            [messages], chat_template=template, add_generation_prompt=not continued, continue_final_message=continued,
            **VARIABLES, **values)
        return texts[0]
    except Exception as error:  # whatever the template does
        return error


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("templates", nargs="+")
    parser.add_argument("-v", "--verbose", action="store_true")
    options = parser.parse_args()
    chat_template_utils.datetime = FixedDate
    cases = [(name, template, about, messages, values) for path in options.templates
             for name, template in templates_in(path) for about, messages in conversations() for values in VALUES]
    lines = "".join(json.dumps({"template": template, "messages": messages, "variables": VARIABLES,
                                "values": values}) + "\n" for _, template, _, messages, values in cases)
    answers = subprocess.run([options.program], input=lines, capture_output=True, text=True, check=True).stdout
    counts = collections.Counter()
    for (name, template, about, messages, values), line in zip(cases, answers.splitlines(), strict=True):
        ours, theirs = json.loads(line), reference(template, messages, values)
        refused = isinstance(theirs, Exception)
        if ours.get("text") == theirs:
            counts["equal"] += 1
        elif "error" in ours and refused:
            counts["both refuse"] += 1
        else:
            kind = "only we refuse" if "error" in ours else "only transformers refuses" if refused else "different"
            counts[kind] += 1
            if options.verbose:
                print(f"{kind}: {name}: {about} {values}\n  ours   {ours!r}\n  theirs {theirs!r}")
            else:
                print(f"{kind}: {name}: {about} {values} {ours.get('error', '')}")
    print(f"{len({c[0] for c in cases})} templates, {len(cases)} renderings:",
          ", ".join(f"{count} {kind}" for kind, count in counts.most_common()))
    return 1 if set(counts) - {"equal", "both refuse"} else 0


if __name__ == "__main__":
    sys.exit(main())
