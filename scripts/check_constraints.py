#!/usr/bin/env python3
"""Random schemas and regular expressions, texts of models that have to meet them, and two judges that know nothing
of the program: the package jsonschema, and Python's re.

    scripts/check_constraints.py CONTINUO --count 300 --model models/tales [--model FOLDER ...] [--seed 1]

Every text that is complete has to meet its constraint; those that ran out of tokens are counted. Exit code 1 names what
failed.
"""

import argparse
import json
import random
import re
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("skipped: no package jsonschema")
    sys.exit(77)

WORDS = ["name", "size", "tea", "x", "a b", "quote\"", "k1", "k2", "größe"]
PATTERNS = ["^[a-z]{1,6}$", "^[A-Z]{2}-[0-9]{3}$", "^(red|green|blue)$", "^\\d+$", "b", "^x", "y$", "^[^a-m]{2,5}$",
            "^.{0,4}$"]


def number(rng):
    schema = {"type": rng.choice(["integer", "number"])}
    low = rng.choice([-1000, -3, 0, 1, 7, 0.5, -2.25, 12.125])
    if rng.random() < 0.7:
        schema[rng.choice(["minimum", "exclusiveMinimum"])] = low
    if rng.random() < 0.7:
        schema[rng.choice(["maximum", "exclusiveMaximum"])] = low + rng.choice([3, 10.5, 100000])
    if rng.random() < 0.2 and schema["type"] == "integer":
        schema["multipleOf"] = rng.choice([2, 3, 7])
    if schema["type"] == "number" and not any("imum" in word for word in schema):
        schema["maximum"] = 1e6
    return schema


def string(rng):
    kind = rng.randrange(6)
    if kind == 0:
        return {"type": "string", "pattern": rng.choice(PATTERNS), "maxLength": rng.choice([8, 20])}
    if kind == 1:
        return {"type": "string", "format": rng.choice(["date", "time", "date-time", "uuid", "ipv4", "ipv6"])}
    if kind == 2:
        return {"type": "string", "enum": rng.sample(WORDS, 3)}
    if kind == 3:
        return {"type": "string", "maxLength": 12, "not": {"pattern": rng.choice(["a", "^t", " "])}}
    if kind == 4:
        return {"allOf": [{"type": "string", "minLength": 2, "maxLength": 9},
                          {"pattern": rng.choice(["^[a-y]", "[a-z ]$"])}]}
    least = rng.randrange(4)
    return {"type": "string", "minLength": least, "maxLength": least + rng.randrange(10)}


def array(rng, depth):
    kind = rng.randrange(4)
    least = rng.randrange(3)
    if kind == 0:
        return {"type": "array", "prefixItems": [value(rng, depth), value(rng, depth)], "items": value(rng, depth),
                "maxItems": 3}
    if kind == 1:
        return {"type": "array", "items": {"enum": ["a", "b", 1, None, True]}, "uniqueItems": True, "minItems": least}
    if kind == 2:
        return {"type": "array", "items": number(rng), "contains": {"type": "integer"}, "maxItems": 3}
    return {"type": "array", "items": value(rng, depth), "minItems": least, "maxItems": least + 2}


def object_(rng, depth):
    names = rng.sample(WORDS, rng.randrange(1, 4))
    properties = {name: value(rng, depth) for name in names}
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    schema["required"] = rng.sample(names, rng.randrange(len(names) + 1))
    kind = rng.randrange(6)
    if kind == 0:
        schema["patternProperties"] = {"^p_[a-z]{1,3}$": number(rng)}
        schema["maxProperties"] = len(names) + 1
    if kind == 1:
        schema["minProperties"] = 1
    if kind == 2 and len(names) > 1:
        schema["dependentRequired"] = {names[0]: [names[1]]}
    if kind == 3:
        schema["if"] = {"required": [names[0]]}
        schema["then"] = {"required": names}
    if kind == 4:
        schema["additionalProperties"] = {"type": "boolean"}
        schema["propertyNames"] = {"maxLength": 6}
        schema["maxProperties"] = len(names) + 2
        schema["properties"] = {name: part for name, part in schema["properties"].items() if len(name) <= 6}
        schema["required"] = [name for name in schema["required"] if len(name) <= 6]
    return schema


def value(rng, depth):
    kind = rng.randrange(9 if depth > 0 else 4)
    if kind == 0:
        return number(rng)
    if kind == 1:
        return string(rng)
    if kind == 2:
        return rng.choice([{"type": "boolean"}, {"type": "null"}, {"const": {"a": [1, "é"]}},
                           {"enum": [0, "zero", None]}])
    if kind == 3:
        return {"type": ["string", "null"], "maxLength": 5}
    if kind == 4:
        return array(rng, depth - 1)
    if kind in (5, 6):
        return object_(rng, depth - 1)
    if kind == 7:
        return {"anyOf": [value(rng, depth - 1), value(rng, depth - 1)]}
    return {"oneOf": [number(rng), string(rng), {"type": "boolean"}]}


def regex(rng, depth=2):
    parts = []
    for _ in range(rng.randrange(1, 4)):
        part = rng.choice(["a", "[a-f]", "[^x\\n]", "\\d", "\\w", "é", "(?:yes|no)", "\\.", "[\\[\\]-]", " "])
        if depth > 0 and rng.random() < 0.3:
            part = "(" + regex(rng, depth - 1) + "|" + regex(rng, depth - 1) + ")"
        parts.append(part + rng.choice(["", "", "?", "{2}", "{1,4}"]))
    return "".join(parts)


def request(rng, number_of):
    constraint = {"regex": regex(rng)} if rng.random() < 0.25 else {"json": value(rng, 3)}
    return {"id": number_of, "prompt": rng.choice(["Once upon a time", "The answer as JSON: ", "{", "Name: "]),
            "max_tokens": 400, "temperature": rng.choice([0.0, 0.7, 1.0, 1.5]), "seed": rng.randrange(1 << 30),
            "structured_outputs": constraint}


def judge(constraint, text):
    """What is wrong with the text, or None."""
    if "regex" in constraint:
        return None if re.fullmatch(constraint["regex"], text, re.ASCII) else "does not match"
    try:
        parsed = json.loads(text)
        jsonschema.validate(parsed, constraint["json"], cls=jsonschema.Draft202012Validator,
                            format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    except (ValueError, jsonschema.ValidationError) as error:
        return str(error).split("\n")[0]
    return None


def run(program, model, count, seed):
    rng = random.Random(seed)
    requests = [request(rng, i) for i in range(count)]
    lines = "".join(json.dumps(one) + "\n" for one in requests)
    done = subprocess.run([program, "batch", "-m", model, "-q"], input=lines, capture_output=True, text=True)
    answers = {}
    for line in done.stdout.splitlines():
        answer = json.loads(line)
        answers[answer.get("id")] = answer
    tally = {"complete": 0, "out of tokens": 0, "refused": 0, "wrong": 0}
    for one in requests:
        answer = answers.get(one["id"], {"error": {"message": "no answer: " + done.stderr[-300:]}})
        constraint = one["structured_outputs"]
        if "error" in answer:
            message = json.dumps(answer["error"])
            # A schema that nothing meets is refused, and may be.
            fair = "matches no text" in message or "not supported" in message
            tally["refused" if fair else "wrong"] += 1
            if not fair:
                print("error:", message, json.dumps(constraint), file=sys.stderr)
            continue
        if not answer.get("complete", True):
            tally["out of tokens"] += 1
            continue
        fault = judge(constraint, answer["text"])
        tally["wrong" if fault else "complete"] += 1
        if fault:
            print("wrong:", fault, repr(answer["text"]), json.dumps(constraint), file=sys.stderr)
    print(model, "seed", seed, tally)
    return tally["wrong"] == 0 and tally["complete"] > count // 2


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--model", action="append", required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    good = [run(options.program, model, options.count, options.seed) for model in options.model]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
