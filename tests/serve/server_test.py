"""`continuo serve` as its clients meet it: server_test.py BINARY. Exit code 77: this build has no server."""
import base64
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

from serving import PATIENCE, Server, at_once, eventually, program, read_all, run_tests

BINARY = sys.argv[1]
SEED = 20
LONG = {"prompt": "Once upon a time", "max_tokens": -1, "ignore_eos": True, "n": 100}  # takes a while

# Requests of many kinds, that a batch can make as well.
REQUESTS = [
    {"prompt": "Once upon a time", "max_tokens": 12},
    {"prompt": "Once upon a time", "max_tokens": 12, "seed": 7},
    {"prompt": "One day, a cat", "max_tokens": 9, "temperature": 0},
    {"prompt": "The little bird", "max_tokens": 10, "top_k": 3, "seed": 1},
    {"prompt": "Tom and Lily", "max_tokens": 15, "top_p": 0.5, "min_p": 0.01, "seed": 2},
    {"prompt": "The dog", "max_tokens": 20, "stop": ["."], "seed": 3},
    {"prompt": "She was", "max_tokens": 12, "repeat_penalty": 1.3, "presence_penalty": 0.5, "frequency_penalty": 0.2},
    {"prompt": "Lily wanted a", "max_tokens": 6, "n": 3, "seed": 11},
    {"prompt": "Lily wanted a", "max_tokens": 6, "n": 2, "best_of": 4, "seed": 11},
    {"prompt": "A b\u00e4r \u2603", "max_tokens": 8, "echo": True, "seed": 4},
    {"prompt_ids": [5, 6, 7], "max_tokens": 5, "seed": 5},
    {"prompt": "In the garden", "max_tokens": 5, "logprobs": 2, "seed": 6},
    {"prompt": "x", "max_tokens": 3, "logit_bias": {"9": 100}, "seed": 8},
    {"prompt": "Nothing", "max_tokens": 0},
]


def batch(requests, *arguments):
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    ran = program(BINARY, "batch", "--no-config", *arguments, stdin=lines)
    return [json.loads(line) for line in ran.stdout.splitlines()]


def texts(answer):
    """The texts of a batch's answer or of the API's."""
    return [choice["text"] for choice in answer.get("choices", [answer])]


def expected_texts(requests):
    """What a batch answers; a request without a seed gets the one of the command line, which is 0."""
    return [texts(answer) for answer in batch([{"seed": 0, **request} for request in requests])]


# ---- what is answered ----


def same_as_the_command_line():
    with Server(BINARY) as server:
        for prompt, options, fields in [
            ("Once upon a time", ["-n", "20"], {"max_tokens": 20}),
            ("The cat", ["-n", "9", "--seed", "5", "--top-k", "4"], {"max_tokens": 9, "seed": 5, "top_k": 4}),
            ("A dog", ["-n", "9", "--greedy", "--echo"], {"max_tokens": 9, "temperature": 0, "echo": True}),
        ]:
            alone = program(BINARY, "--no-config", *options, "--", prompt).stdout
            assert texts(server.complete(prompt=prompt, **fields)) == [alone], prompt
        assert server.end() == 0


def same_as_batch_under_load():
    expected = expected_texts(REQUESTS)
    order = list(range(len(REQUESTS))) * 6
    random.Random(SEED).shuffle(order)
    with Server(BINARY, "--at-once", "8") as server:
        got = at_once([lambda i=i: (i, server.complete(**REQUESTS[i])) for i in order])
        for i, answer in got:
            assert texts(answer) == expected[i], (REQUESTS[i], texts(answer), expected[i])
        streamed = at_once([lambda i=i: (i, server.events(**REQUESTS[i])) for i in order if "best_of" not in REQUESTS[i]])
        for i, (events, done) in streamed:
            assert done
            assert joined(events) == expected[i], (REQUESTS[i], joined(events), expected[i])


def an_id_gives_its_seed():
    request = {"id": "story-7", "prompt": "Once", "max_tokens": 8, "temperature": 1.2}
    alone = batch([request])[0]
    with Server(BINARY) as server:
        answer = server.complete(**request)
        assert (answer["id"], answer["seed"], texts(answer)) == ("story-7", alone["seed"], [alone["text"]])


def best_of_keeps_the_likeliest():
    request = {"prompt": "The old man", "max_tokens": 7, "temperature": 1.3, "seed": 21}
    with Server(BINARY) as server:
        drawn = server.complete(**request, n=6, logprobs=0)["choices"]
        means = [sum(choice["logprobs"]["token_logprobs"]) / len(choice["logprobs"]["tokens"]) for choice in drawn]
        likeliest = sorted(range(6), key=lambda i: -means[i])[:2]
        best = server.complete(**request, n=2, best_of=6)
        assert texts(best) == [drawn[i]["text"] for i in likeliest], (means, best)
        assert texts(batch([{**request, "n": 2, "best_of": 6}])[0]) == texts(best)


def constraints():
    requests = [
        {"prompt": "The answer is", "max_tokens": 20, "structured_outputs": {"choice": [" yes", " no"]}, "seed": 1},
        {"prompt": "A year:", "max_tokens": 20, "structured_outputs": {"regex": " [0-9]{4}"}, "seed": 2},
        {"prompt": "Once", "max_tokens": 12, "banned_strings": ["there"], "seed": 3},
        {"prompt": "Once", "max_tokens": 12, "logprob_token_ids": [5, 6], "echo": True, "seed": 4},
    ]
    expected = batch(requests)
    with Server(BINARY) as server:
        for request, answer in zip(requests, expected):
            got = server.complete(**request)["choices"][0]
            assert got["text"] == answer["text"] and got.get("complete") == answer.get("complete"), (got, answer)
            events, done = server.events(**request)
            assert done and joined(events) == [answer["text"]], events
            assert events[-1]["choices"][0].get("complete") == answer.get("complete")
            if "logprob_token_ids" in request:
                named = answer["logprobs"]["token_id_logprobs"]
                assert got["logprobs"]["token_id_logprobs"][-len(named):] == named, (got, answer)


def numbers_as_ids():
    request = {"id": 1e5, "prompt": "Once", "max_tokens": 8, "temperature": 1.2}
    line = json.dumps(request).replace("100000.0", "1e5")
    alone = json.loads(program(BINARY, "batch", "--no-config", stdin=line + "\n").stdout)
    with Server(BINARY) as server:
        status, answer = server.post("/v1/completions", line)
        assert status == 200 and answer["id"] == "1e5", answer
        assert (answer["seed"], texts(answer)) == (alone["seed"], [alone["text"]]), (answer, alone)
        assert server.complete(**{**request, "id": 7})["id"] == 7
        assert server.refused(400, **{**request, "id": "x" * 300})["param"] == "id"


def options_are_defaults():
    with Server(BINARY, "-n", "3", "--seed", "9", "--greedy", "--stop", "zzz") as server:
        answer = server.complete(prompt="One day")
        assert answer["usage"]["completion_tokens"] == 3 and answer["seed"] == 9, answer
        assert texts(answer) == [program(BINARY, "--no-config", "-n3", "--greedy", "One day").stdout]


def shape_of_an_answer():
    with Server(BINARY) as server:
        model = server.get("/v1/models")[1]["data"][0]["id"]
        answer = server.complete(model=model, prompt=["One day", "The cat"], n=2, max_tokens=4, user="u", stream_options=None)
        assert answer["object"] == "text_completion" and answer["model"] == model and answer["id"].startswith("cmpl-"), answer
        assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3]
        assert all(choice["finish_reason"] == "length" for choice in answer["choices"])
        usage = answer["usage"]
        assert usage["completion_tokens"] == 16 and usage["total_tokens"] == 16 + usage["prompt_tokens"], usage
        alone = [server.complete(prompt=p, n=2, max_tokens=4) for p in ("One day", "The cat")]
        assert texts(answer) == texts(alone[0]) + texts(alone[1])
        ids = [server.post("/tokenize", {"prompt": p})[1]["tokens"] for p in ("One day", "The cat")]
        assert texts(server.complete(prompt=ids, n=2, max_tokens=4)) == texts(answer)
        assert texts(server.complete(prompt=ids[0], n=2, max_tokens=4)) == texts(alone[0])
        stopped = server.complete(prompt="Once upon a time", max_tokens=200, stop=" ")
        assert stopped["choices"][0]["finish_reason"] == "stop" and stopped["choices"][0]["ended_by"] == "stop", stopped


# ---- echo and log-probabilities: what lm-evaluation-harness sends ----


def scored(server, ids, **more):
    return server.complete(prompt=ids, temperature=0, max_tokens=1, logprobs=1, seed=1234, echo=True, **more)


def harness_loglikelihood():
    with Server(BINARY) as server:
        tokenized = [server.post("/tokenize", {"prompt": text, "add_special_tokens": False})[1]["tokens"]
                     for text in ("Once upon a time there was a cat.", "The dog ran to the", "Lily")]
        answer = scored(server, tokenized)
        for ids, choice in zip(tokenized, answer["choices"]):
            line = " ".join(map(str, ids))
            expected = json.loads(program(BINARY, "score", "--no-config", "--ids", "--json", line).stdout)["logprobs"]
            logprobs = choice["logprobs"]
            assert logprobs["token_logprobs"][:-1] == expected, (logprobs, expected)
            assert {len(logprobs[key]) for key in logprobs} == {len(ids) + 1}, logprobs
            assert logprobs["token_logprobs"][0] is None and logprobs["top_logprobs"][0] is None
            for logprob, top in list(zip(logprobs["token_logprobs"], logprobs["top_logprobs"]))[1:]:
                assert len(top) == 1 and max(top.values()) >= logprob, (logprob, top)
        # The token that was drawn greedily is the likeliest, by the very same number.
        last = answer["choices"][0]["logprobs"]
        assert last["token_logprobs"][-1] == max(last["top_logprobs"][-1].values())
        # A greedy continuation is greedy at each of its tokens.
        prompt = tokenized[0]
        more = server.complete(prompt=prompt, temperature=0, max_tokens=5, ignore_eos=True)["choices"][0]["ids"]
        again = scored(server, [prompt + more])["choices"][0]["logprobs"]
        for logprob, top in zip(again["token_logprobs"][len(prompt):-1], again["top_logprobs"][len(prompt):-1]):
            assert logprob == max(top.values())


def text_offsets_are_in_characters():
    text = "A b\u00e4r \u2603 ran to the house."
    with Server(BINARY) as server:
        choice = server.complete(prompt=text, echo=True, logprobs=3, max_tokens=4)["choices"][0]
        offsets = choice["logprobs"]["text_offset"]
        assert offsets == sorted(offsets) and offsets[0] == 0 and choice["text"].startswith(text)
        assert len(text) in offsets, (offsets, len(text))  # where the continuation begins
        alone = server.complete(prompt=text, logprobs=3, max_tokens=4)["choices"][0]["logprobs"]
        assert alone["text_offset"] == [offset - len(text) for offset in offsets[-4:]]
        for key in ("tokens", "token_logprobs", "top_logprobs"):
            assert alone[key] == choice["logprobs"][key][-4:], key


def streamed_logprobs_are_those_of_the_whole():
    with Server(BINARY) as server:
        for echo in (False, True):
            request = {"prompt": "Once upon a time", "max_tokens": 7, "logprobs": 2, "echo": echo, "n": 2}
            whole = server.complete(**request)
            events, _ = server.events(**request)
            for choice in whole["choices"]:
                pieces = [e["choices"][0]["logprobs"] for e in events if e["choices"][0]["index"] == choice["index"]]
                for key, value in choice["logprobs"].items():
                    assert sum((piece[key] for piece in pieces), []) == value, key


# ---- streams ----


def joined(events):
    """The texts of the choices of a stream."""
    out = {}
    for event in events:
        for choice in event["choices"]:
            out[choice["index"]] = out.get(choice["index"], "") + choice["text"]
    return [out[i] for i in sorted(out)]


def streaming():
    with Server(BINARY) as server:
        request = {"prompt": "Once upon a time", "max_tokens": 30, "n": 3, "echo": True}
        events, done = server.events(**request, stream_options={"include_usage": True})
        whole = server.complete(**request)
        assert done and joined(events) == texts(whole)
        assert len({event["id"] for event in events}) == 1
        assert events[-1]["choices"] == [] and events[-1]["usage"] == whole["usage"], events[-1]
        finishes = [event["choices"][0]["finish_reason"] for event in events[:-1]]
        assert sum(finish is not None for finish in finishes) == 3, finishes
        assert server.refused(400, prompt="a", best_of=2, stream=True)["param"] == "stream"


def a_stream_comes_while_it_is_made():
    with Server(BINARY) as server:
        client, head = server.begin_stream(**LONG)
        assert b"[DONE]" not in head
        assert server.metric("continuo_completions_running") == 1
        client.close()


# ---- chat ----

CHAT = "/v1/chat/completions"
TEMPLATE = ("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
            "{% if add_generation_prompt %}assistant:{% if upset %}!{% endif %}{% endif %}")


def chat_server(*arguments, template=TEMPLATE):
    with tempfile.NamedTemporaryFile("w", suffix=".jinja", delete=False) as file:
        file.write(template)
    return Server(BINARY, "--template", file.name, *arguments)


def user(text):
    return {"role": "user", "content": text}


def ids_of(server, text):
    return server.post("/tokenize", {"prompt": text, "add_special_tokens": False})[1]["tokens"]


def a_chat_is_its_templates_text():
    conversations = [
        ([user("Hello")], "user: Hello\nassistant:"),
        ([{"role": "system", "content": "S"}, user([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])],
         "system: S\nuser: a\nb\nassistant:"),
        ([user("Tell"), {"role": "assistant", "content": "Once upon a time"}], "user: Tell\nassistant: Once upon a time"),
    ]
    with chat_server() as server:
        for messages, prompt in conversations:
            ids = ids_of(server, prompt)
            for fields in ({"max_completion_tokens": 9}, {"max_tokens": 9, "seed": 3, "n": 3, "stop": ["a"]}):
                answer = server.chat(messages=messages, **fields)
                expected = server.complete(prompt=ids, max_tokens=9, **{k: v for k, v in fields.items() if "max" not in k})
                expected_texts = texts(expected)
                assert [c["message"]["content"] for c in answer["choices"]] == expected_texts, (answer, expected)
                assert [c["finish_reason"] for c in answer["choices"]] == [c["finish_reason"] for c in expected["choices"]]
                assert [c["index"] for c in answer["choices"]] == list(range(fields.get("n", 1)))
                assert answer["usage"] == expected["usage"]
                assert answer["object"] == "chat.completion" and answer["id"].startswith("chatcmpl-")
                assert all(c["message"]["role"] == "assistant" and c["logprobs"] is None for c in answer["choices"])
        with_value = server.chat(messages=[user("Hello")], chat_template_kwargs={"upset": True}, max_tokens=5)
        assert with_value["usage"]["prompt_tokens"] == len(ids_of(server, "user: Hello\nassistant:!"))
        assert server.get("/tokenizer_info")[1]["chat_template"] == TEMPLATE


def chat_logprobs_are_those_of_a_completion():
    with chat_server() as server:
        messages, prompt = [user("Hello")], ids_of(server, "user: Hello\nassistant:")
        choice = server.chat(messages=messages, max_tokens=6, logprobs=True, top_logprobs=2)["choices"][0]
        expected = server.complete(prompt=prompt, max_tokens=6, logprobs=2)["choices"][0]
        content = choice["logprobs"]["content"]
        assert [one["logprob"] for one in content] == expected["logprobs"]["token_logprobs"]
        for one, top in zip(content, expected["logprobs"]["top_logprobs"]):
            assert sorted(entry["logprob"] for entry in one["top_logprobs"]) == sorted(top.values())
            assert bytes(one["bytes"]).decode() == one["token"]
        assert b"".join(bytes(one["bytes"]) for one in content).decode().strip() == choice["message"]["content"].strip()
        alone = server.chat(messages=messages, max_tokens=2, logprobs=True)["choices"][0]["logprobs"]
        assert all(one["top_logprobs"] == [] for one in alone["content"])
        assert server.chat(messages=messages, max_tokens=2, logprobs=False)["choices"][0]["logprobs"] is None


def chat_streams():
    request = {"messages": [user("Hello")], "max_tokens": 8, "n": 2, "logprobs": True, "top_logprobs": 1}
    with chat_server() as server:
        whole = server.chat(**request)
        events, done = server.events(CHAT, stream_options={"include_usage": True}, **request)
        assert done and events[-1]["choices"] == [] and events[-1]["usage"] == whole["usage"], events[-1]
        assert {event["object"] for event in events} == {"chat.completion.chunk"}
        for choice in whole["choices"]:
            own = [c for event in events for c in event["choices"] if c["index"] == choice["index"]]
            assert own[0]["delta"] == {"role": "assistant", "content": ""} and own[0]["finish_reason"] is None
            assert "".join(c["delta"].get("content", "") for c in own) == choice["message"]["content"]
            assert not any("role" in c["delta"] for c in own[1:])
            assert sum((c["logprobs"]["content"] for c in own[1:]), []) == choice["logprobs"]["content"]
            assert [c["finish_reason"] for c in own][-1] == choice["finish_reason"]
            assert all(c["finish_reason"] is None for c in own[:-1])


def chat_formats():
    schema = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1, "maximum": 9}}, "required": ["a"],
              "additionalProperties": False}
    with chat_server() as server:
        ask = lambda form: server.chat(messages=[user("Hello")], max_tokens=60, seed=2, response_format=form)["choices"][0]
        choice = ask({"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": True}})
        assert choice["complete"] and 1 <= json.loads(choice["message"]["content"])["a"] <= 9, choice
        choice = ask({"type": "json_object"})
        assert choice["message"]["content"].startswith("{"), choice
        assert ask({"type": "text"}) == server.chat(messages=[user("Hello")], max_tokens=60, seed=2)["choices"][0]


def chat_errors_name_the_field():
    with chat_server() as server:
        image = [{"type": "image_url", "image_url": {"url": "data:"}}]
        for fields, param in [
            ({"messages": None}, "messages"), ({"messages": []}, "messages"), ({"messages": "Hello"}, "messages"),
            ({"messages": [{"role": "user"}]}, "messages[0].content"), ({"messages": [{"content": "a"}]}, "messages[0].role"),
            ({"messages": [user(image)]}, "messages[0].content[0]"), ({"messages": [user(5)]}, "messages[0].content"),
            ({"messages": [{**user("a"), "tool_calls": [{}]}]}, "messages[0].tool_calls"),
            ({"tools": [{"type": "function"}]}, "tools"), ({"tool_choice": "auto"}, "tool_choice"),
            ({"functions": [{}]}, "functions"), ({"function_call": "auto"}, "function_call"),
            ({"modalities": ["audio"]}, "modalities"), ({"audio": {}}, "audio"),
            ({"logprobs": 3}, "logprobs"), ({"top_logprobs": 3}, "top_logprobs"), ({"prompt": "a"}, "prompt"),
            ({"echo": True}, "echo"), ({"best_of": 2}, "best_of"), ({"suffix": "a"}, "suffix"), ({"x": 1}, "x"),
            ({"max_tokens": 1, "max_completion_tokens": 1}, "max_tokens"), ({"max_completion_tokens": -2}, "max_completion_tokens"),
            ({"response_format": {"type": "xml"}}, "response_format.type"), ({"response_format": "json"}, "response_format"),
            ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
            ({"response_format": {"type": "json_object"}, "structured_outputs": {"regex": "a"}}, "response_format"),
            ({"temperature": -1}, "temperature"), ({"n": 0}, "n"), ({"chat_template_kwargs": 1}, "chat_template_kwargs"),
        ]:
            error = server.refused(400, CHAT, **{"messages": [user("a")], **fields})
            assert error["param"] == param, (fields, error)
        assert server.refused(404, CHAT, messages=[user("a")], model="gpt-4")["code"] == "model_not_found"
        assert server.refused(400, CHAT, messages=[user("a " * 20000)])["code"] == "context_length_exceeded"
        assert server.chat(messages=[user("a")], max_tokens=1, tools=[], tool_choice="none", user="me", modalities=["text"])
        assert server.refused(400, messages=[user("a")])["param"] == "messages"
    with chat_server(template="{{ raise_exception('Users only') }}") as server:
        assert "Users only" in server.refused(400, CHAT, messages=[user("a")])["message"]
    with chat_server(template="{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}") as server:
        status, answer = server.post(CHAT, {"messages": [user("a")]})
        assert status == 500 and "it takes too m" in answer["error"]["message"], answer
        assert server.get("/health")[0] == 200


def openai_package():
    try:
        import openai
    except ImportError:
        print("skipped: no package openai")
        return
    with chat_server() as server:
        client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="none", max_retries=0)
        model = client.models.list().data[0].id
        request = dict(model=model, messages=[user("Hello")], max_completion_tokens=8, seed=1)
        whole = client.chat.completions.create(logprobs=True, top_logprobs=2, **request)
        assert len(whole.choices[0].logprobs.content) == whole.usage.completion_tokens
        stream = list(client.chat.completions.create(stream=True, stream_options={"include_usage": True}, **request))
        streamed = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
        assert streamed == whole.choices[0].message.content and stream[0].choices[0].delta.role == "assistant"
        assert stream[-1].usage.total_tokens == whole.usage.total_tokens
        form = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "boolean"}}}
        assert client.chat.completions.create(response_format=form, **request).choices[0].message.content.strip() in ("true", "false")
        for tools in ([{"type": "function", "function": {"name": "f", "parameters": {}}}],):
            try:
                client.chat.completions.create(tools=tools, **request)
                raise AssertionError("tools are not refused")
            except openai.BadRequestError as error:
                assert error.param == "tools", error


# ---- what is wrong ----


def errors_name_the_field():
    with Server(BINARY) as server:
        for fields, param, code in [
            ({}, "prompt", "invalid_request"),
            ({"prompt": "a", "prompt_ids": [1]}, "prompt", "invalid_request"),
            ({"prompt": []}, "prompt", "invalid_request"),
            ({"prompt": 5}, "prompt", "invalid_request"),
            ({"prompt": ["a", 5]}, "prompt", "invalid_request"),
            ({"prompt": [1, "a"]}, "prompt", "invalid_request"),
            ({"prompt": "a", "top_p": 7}, "top_p", "invalid_request"),
            ({"prompt": "a", "temperature": "hot"}, "temperature", "invalid_request"),
            ({"prompt": "a", "n": 0}, "n", "invalid_request"),
            ({"prompt": "a", "n": 3, "best_of": 2}, "best_of", "invalid_request"),
            ({"prompt": "a", "stop": [""]}, "stop", "invalid_request"),
            ({"prompt": "a", "max_tokens": -2}, "max_tokens", "invalid_request"),
            ({"prompt": "a", "suffix": "b"}, "suffix", "invalid_request"),
            ({"prompt": "a", "user": 1}, "user", "invalid_request"),
            ({"prompt": "a", "stream_options": {"x": 1}}, "stream_options", "invalid_request"),
            ({"prompt": "a", "tempratur": 1}, "tempratur", "invalid_request"),
            ({"prompt": "a " * 20000}, None, "context_length_exceeded"),
            ({"prompt": ["a"] * 2000}, "prompt", "invalid_request"),
        ]:
            error = server.refused(400, **fields)
            assert (error["param"], error["code"]) == (param, code), (fields, error)
            assert "--" not in error["message"], error
        assert server.refused(404, prompt="a", model="gpt-4")["code"] == "model_not_found"
        for body in ("", "{", "[]", "null", '{"prompt": "a"} x', "[" * 100000, '{"prompt": "\xff"}'.encode("latin-1")):
            status, answer = server.post("/v1/completions", body)
            assert status == 400 and answer["error"]["type"] == "invalid_request_error", (body, answer)
        assert server.complete(prompt="a", max_tokens=1)


def what_is_not_there_says_so():
    with Server(BINARY) as server:
        error = server.refused(400, CHAT, messages=[user("a")])
        assert "has no chat template" in error["message"], error
        assert server.get("/v2")[0] == 404
        status, headers, _ = server.ask("GET", "/v1/completions")
        assert status == 405 and headers["Allow"] == "POST"
        assert server.ask("HEAD", "/health")[0] == 200
        model = server.get("/v1/models")[1]["data"][0]["id"]
        assert server.get(f"/v1/models/{model}")[1]["id"] == model and server.get("/v1/models/other")[0] == 404


# ---- the tokenizer ----


def tokenizer_over_http():
    text = "Once upon a time, a b\u00e4r \u2603."
    with Server(BINARY) as server:
        for special in (True, False):
            ids = server.post("/tokenize", {"prompt": text, "add_special_tokens": special})[1]["tokens"]
            typed = program(BINARY, "tokenize", "--no-config", *([] if special else ["--no-special"]), "--", text).stdout
            assert ids == [int(word) for word in typed.split()], (ids, typed)
        assert server.post("/detokenize", {"tokens": ids})[1] == {"prompt": text}
        info = server.get("/tokenizer_info")[1]
        assert set(info) == {"eos_token", "bos_token", "pad_token", "chat_template"} and info["eos_token"], info
        for path, body in [("/tokenize", {}), ("/tokenize", {"prompt": 1}), ("/tokenize", {"prompt": "a", "x": 1}), ("/tokenize", ""), ("/detokenize", "{"),
                           ("/detokenize", {"tokens": [10**9]}), ("/detokenize", {"tokens": "a"}), ("/detokenize", [])]:
            assert server.post(path, body)[0] == 400, (path, body)


# ---- HTTP ----


def request_bytes(body, version="1.1", more=""):
    data = json.dumps(body).encode()
    return (f"POST /v1/completions HTTP/{version}\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n{more}\r\n").encode() + data


SMALL = {"prompt": "One day", "max_tokens": 3}


def malformed_http():
    with Server(BINARY, "--max-body", "64K") as server:
        for request, status in [
            (b"\r\n\r\n", b"400"),
            (b"hello\r\n\r\n", b"400"),
            (b"GET / HTTP/1.1\r\n\r\n", b"400"),
            (b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", b"400"),
            (b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", b"400"),
            (b"GET /health HTTP/1.1\r\nHost: localhost\r\nbad header\r\n\r\n", b"400"),
            (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", b"400"),
            (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
            (b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
            (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100000 + b"\r\n\r\n", b"431"),
            (b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999\r\n\r\n" + b"a" * 999999, b"413"),
            (b"GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", b"403"),
        ]:
            answer = server.raw(request)
            assert answer.startswith(b"HTTP/1.1 " + status + b" "), (request[:60], answer[:200])
            assert b'{"error":' in answer, answer
        for piece in (b"", b"POST", b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nab"):
            server.raw(piece, end=True)
        generator = random.Random(SEED)
        for _ in range(200):
            noise = bytearray(request_bytes(SMALL, more="Connection: close\r\n"))
            for _ in range(generator.randint(1, 8)):
                noise[generator.randrange(len(noise))] = generator.randrange(256)
            server.raw(bytes(noise), end=True)
        assert server.complete(**SMALL)
        assert server.end() == 0


def one_connection_many_requests():
    with Server(BINARY) as server:
        expected = texts(server.complete(**SMALL))[0].encode()
        both = server.raw(request_bytes(SMALL) + request_bytes(SMALL, more="Connection: close\r\n"))
        assert both.count(b"HTTP/1.1 200 OK") == 2 and both.count(json.dumps(expected.decode()).encode()) == 2, both
        old = server.raw(request_bytes(SMALL, version="1.0"))
        assert old.startswith(b"HTTP/1.0 200 OK"), old
        stream = server.raw(request_bytes({**SMALL, "stream": True}, version="1.0"))
        assert stream.endswith(b"data: [DONE]\n\n") and b"chunked" not in stream, stream
        with server.connect() as client:  # a body that waits for leave, in chunks
            client.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
                           b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 100 ")
            data = json.dumps(SMALL).encode()
            client.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data))
            assert read_all(client).startswith(b"HTTP/1.1 200 ")


# ---- clients that go away or take their time ----


def closed_connections_are_cancelled():
    with Server(BINARY) as server:
        for stream in (True, False):
            before = server.metric("continuo_cancelled_total")
            if stream:
                client, _ = server.begin_stream(**LONG)
            else:
                client = server.connect()
                client.sendall(request_bytes(LONG))
                eventually(lambda: server.metric("continuo_completions_running") == 1, "the request runs")
            client.close()
            eventually(lambda: server.metric("continuo_completions_running") == 0, "the request is cancelled")
            assert server.metric("continuo_cancelled_total") == before + 1
            assert server.metric("continuo_sequences") == 0
        assert server.complete(**SMALL)


def slow_readers_hold_up_nobody():
    expected = expected_texts([SMALL])[0]
    with Server(BINARY) as server:
        stalled = [server.begin_stream(**{**LONG, "n": 8, "logprobs": 20})[0] for _ in range(4)]
        for _ in range(5):
            assert texts(server.complete(**SMALL)) == expected
        eventually(lambda: server.metric("continuo_completions_running") == 0, "the engine is done")
        for client in stalled:  # who reads late gets it all
            assert b"data: [DONE]\n\n" in read_until(client, b"[DONE]\n\n")
            client.close()


def read_until(client, end):
    out = b""
    while end not in out:
        piece = client.recv(65536)
        assert piece, out[-200:]
        out += piece
    return out


def many_streams():
    expected = expected_texts([{**SMALL, "seed": i} for i in range(8)])
    with Server(BINARY) as server:
        def stream(i):
            events, done = server.events(**SMALL, seed=i % 8)
            assert done and joined(events) == expected[i % 8], (i, joined(events))
        at_once([lambda i=i: stream(i) for i in range(400)], workers=100)
        assert server.metric("continuo_sequences") == 0


# ---- limits ----


def a_full_queue():
    with Server(BINARY, "--queue", "100", "--at-once", "2") as server:
        client, _ = server.begin_stream(**LONG)
        status, headers, body = server.ask("POST", "/v1/completions", SMALL)
        assert status == 429 and int(headers["Retry-After"]) >= 1, (status, body)
        assert json.loads(body)["error"]["code"] == "queue_full"
        assert server.refused(400, prompt="a", n=101)["param"] == "prompt"
        client.close()
        eventually(lambda: server.metric("continuo_sequences") == 0, "there is room again")
        assert server.complete(**SMALL)


def a_deadline():
    with Server(BINARY, "--deadline", "1", "--at-once", "1") as server:
        request = {**LONG, "n": 128, "logprobs": 50}
        assert server.refused(504, **request)["code"] == "deadline_exceeded"
        events, done = server.events(**request)
        assert not done and events[-1]["error"]["code"] == "deadline_exceeded", events[-1]
        eventually(lambda: server.metric("continuo_sequences") == 0, "what was asked for too late is cancelled")


def few_connections():
    with Server(BINARY, "--connections", "2") as server:
        idle = [server.connect() for _ in range(6)]
        assert server.complete(**SMALL)
        for client in idle:
            client.close()


# ---- who may ask ----


def keys(tmp="keys.txt"):
    import os
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, tmp)
        with open(file, "w") as out:
            out.write("first\n\nsecond key\r\n")
        with Server(BINARY, "--api-key", file) as server:
            assert server.get("/health")[0] == 200
            for path in ("/metrics", "/v1/models", "/tokenizer_info"):
                status, headers, _ = server.ask("GET", path)
                assert status == 401 and headers["WWW-Authenticate"] == "Bearer", path
            for header, status in [("Bearer first", 200), ("bearer second key", 200), ("Bearer third", 401), ("Bearer ", 401),
                                   ("Bearer firstfirst", 401), ("Basic first", 401), ("first", 401)]:
                assert server.ask("POST", "/v1/completions", SMALL, {"Authorization": header})[0] == status, header
        with open(file, "w") as out:
            out.write("\n")
        assert "has no key" in program(BINARY, "serve", "--api-key", file, code=2).stderr
    assert "cannot read the keys" in program(BINARY, "serve", "--api-key", "/nowhere/keys", code=2).stderr
    assert "--api-key" in program(BINARY, "serve", "--host", "0.0.0.0", code=2).stderr


def hosts_and_origins():
    with Server(BINARY, "--allow-host", "models.example.org", "--allow-origin", "https://page.example") as server:
        def status(**headers):
            return server.ask("POST", "/v1/completions", SMALL, {k.replace("_", "-"): v for k, v in headers.items()})[0]

        assert status(Host="localhost:1") == 200 and status(Host="127.0.0.1") == 200 and status(Host="[::1]:8080") == 200
        assert status(Host="Models.example.org:80") == 200
        assert status(Host="evil.example") == 403 and status(Host="localhost.evil.example") == 403 and status(Host="") == 403
        assert status(Origin="http://evil.example") == 403 and status(Origin="null") == 403
        assert status(Host="localhost:5", Origin="http://localhost:5") == 200
        assert status(Sec_Fetch_Site="cross-site") == 403 and status(Sec_Fetch_Site="same-origin") == 200
        allowed = server.ask("POST", "/v1/completions", SMALL, {"Origin": "https://page.example"})
        assert allowed[0] == 200 and allowed[1]["Access-Control-Allow-Origin"] == "https://page.example"
        preflight = server.ask("OPTIONS", "/v1/completions", None, {"Origin": "https://page.example"})
        assert preflight[0] == 204 and "POST" in preflight[1]["Access-Control-Allow-Methods"]
    with Server(BINARY) as server:
        _, headers, _ = server.ask("POST", "/v1/completions", SMALL)
        assert not [name for name in headers if name.lower().startswith("access-control")]
        assert server.ask("OPTIONS", "/v1/completions", None, {"Origin": "https://page.example"})[0] == 403


# ---- embeddings ----

ENCODER = str(pathlib.Path(__file__).parent.parent / "golden" / "encoders" / "bert")


def embedded(answer):
    """The vectors, from numbers or from base64."""
    rows = [one["embedding"] for one in answer["data"]]
    assert [one["index"] for one in answer["data"]] == list(range(len(rows)))
    return [list(struct.unpack(f"<{len(base64.b64decode(row)) // 4}f", base64.b64decode(row))) if isinstance(row, str) else row for row in rows]


def single(numbers):
    """As 32-bit floats."""
    return list(struct.unpack(f"{len(numbers)}f", struct.pack(f"{len(numbers)}f", *numbers)))


def embeddings_of_a_decoder():
    texts = ["Once upon a time", "A b\u00e4r \u2603", "Once upon a time", "x"]
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    ran = program(BINARY, "embed", "--no-config", "--jsonl", stdin=lines)
    expected = [json.loads(line) for line in ran.stdout.splitlines()]
    with Server(BINARY) as server:
        status, answer = server.post("/v1/embeddings", {"input": texts})
        assert status == 200 and answer["object"] == "list", answer
        assert [single(row) for row in embedded(answer)] == [single(one["embedding"]) for one in expected]
        tokens = sum(one["tokens"] for one in expected)
        assert answer["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}, answer["usage"]
        status, coded = server.post("/v1/embeddings", {"input": texts[1], "encoding_format": "base64", "model": answer["model"]})
        assert status == 200 and embedded(coded) == [single(expected[1]["embedding"])]
        ids = server.post("/tokenize", {"prompt": texts[0]})[1]["tokens"]
        for given in [ids, [ids, ids]]:
            status, same = server.post("/v1/embeddings", {"input": given})
            assert status == 200 and all(single(row) == single(expected[0]["embedding"]) for row in embedded(same))
        # Completions go on beside them.
        both = at_once([lambda i=i: server.post("/v1/embeddings", {"input": texts}) if i % 2 else server.complete(**SMALL) for i in range(12)])
        assert all(embedded(got[1]) == embedded(answer) for got in both[1::2])
        assert len({json.dumps(texts_of["choices"]) for texts_of in both[::2]}) == 1


def embeddings_of_an_encoder():
    rows = [[5 + i % 200, 7, 9 + i] for i in range(100)]
    with Server(BINARY, "-m", ENCODER) as server:
        assert server.get("/health")[0] == 200
        status, answer = server.post("/v1/completions", SMALL)
        assert status == 400 and "encoder" in answer["error"]["message"], answer
        status, alone = server.post("/v1/embeddings", {"input": rows[7]})
        assert status == 200 and len(embedded(alone)[0]) == 64, alone
        status, all_of_them = server.post("/v1/embeddings", {"input": rows})
        assert status == 200 and embedded(all_of_them)[7] == embedded(alone)[0]
        many = at_once([lambda i=i: server.post("/v1/embeddings", {"input": rows[i]}) for i in range(100)])
        assert [embedded(got)[0] for _, got in many] == embedded(all_of_them)
        # A client that goes away takes its request along.
        client = server.connect()
        body = json.dumps({"input": [[5, 6, 7] * 40] * 2000}).encode()
        client.sendall(b"POST /v1/embeddings HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        client.close()
        assert server.post("/v1/embeddings", {"input": rows[7]})[0] == 200
        assert server.end() == 0


def embeddings_refused():
    with Server(BINARY, "-m", ENCODER) as server:
        for fields, param, part in [
            ({}, "input", "is expected"), ({"input": "a"}, "input", "no tokenizer"), ({"input": []}, "input", "no tokens"),
            ({"input": [[]]}, "input", "no tokens"), ({"input": [5, "a"]}, "input", "expected token ids"),
            ({"input": [[5], "a"]}, "input", "not both"), ({"input": [256]}, "input", "outside the vocabulary"),
            ({"input": [5] * 200}, "input", "context holds 128"), ({"input": [[5]] * 2049}, "input", "at most 2048"),
            ({"input": [5], "encoding_format": "int8"}, "encoding_format", "base64"),
            ({"input": [5], "dimensions": 32}, "dimensions", "64"), ({"input": [5], "stream": True}, "stream", "is no field"),
            ({"input": {"a": 1}}, "input", "a text, token ids"),
        ]:
            status, answer = server.post("/v1/embeddings", fields)
            assert status == 400 and answer["error"]["param"] == param and part in answer["error"]["message"], (fields, answer)
        assert server.post("/v1/embeddings", {"input": [5], "model": "other"})[0] == 404
        assert server.post("/v1/embeddings", {"input": [5], "dimensions": 64})[0] == 200


# ---- the end ----


def sigterm_lets_requests_finish():
    expected = expected_texts([{**SMALL, "max_tokens": 100}])[0]
    with Server(BINARY) as server:
        client, head = server.begin_stream(**{**LONG, "n": 20})
        server.process.terminate()
        eventually(lambda: refuses(server), "no new connection")
        rest = head + read_all(client)
        assert rest.endswith(b"0\r\n\r\n") and b"data: [DONE]" in rest, rest[-300:]
        client.close()
        assert server.process.wait(PATIENCE) == 0
    assert expected


def refuses(server):
    try:
        server.connect().close()
        return False
    except ConnectionRefusedError:
        return True


def sigterm_tells_what_cannot_finish():
    with Server(BINARY, "--grace", "0", "--at-once", "1") as server:
        stream, head = server.begin_stream(**LONG)
        whole = server.connect()
        whole.sendall(request_bytes(LONG))
        eventually(lambda: server.metric("continuo_completions_running") == 2, "both run")
        server.process.terminate()
        rest = head + read_all(stream)
        assert b'"code":"shutting_down"' in rest and b"[DONE]" not in rest, rest[-300:]
        assert read_all(whole).startswith(b"HTTP/1.1 503 ")
        assert server.process.wait(PATIENCE) == 0
        stream.close()
        whole.close()


def addresses():
    with Server(BINARY) as server:
        ran = program(BINARY, "serve", "--port", str(server.port), code=2)
        assert "cannot listen on 127.0.0.1 port" in ran.stderr, ran.stderr
    assert "expected an IP address" in program(BINARY, "serve", "--host", "x y", "--insecure", code=2).stderr


def main():
    probe = subprocess.run([BINARY, "serve", "--host", "x y", "--insecure"], capture_output=True, text=True)
    if "this build has no server" in probe.stderr:
        print("skipped: this build has no server")
        sys.exit(77)
    run_tests([
        same_as_the_command_line, same_as_batch_under_load, an_id_gives_its_seed, best_of_keeps_the_likeliest,
        constraints, numbers_as_ids, options_are_defaults, shape_of_an_answer,
        harness_loglikelihood, text_offsets_are_in_characters, streamed_logprobs_are_those_of_the_whole, streaming,
        a_stream_comes_while_it_is_made, a_chat_is_its_templates_text,
        chat_logprobs_are_those_of_a_completion, chat_streams, chat_formats, chat_errors_name_the_field, openai_package, errors_name_the_field, what_is_not_there_says_so, tokenizer_over_http, malformed_http,
        one_connection_many_requests, closed_connections_are_cancelled, slow_readers_hold_up_nobody, many_streams, a_full_queue,
        a_deadline, few_connections, keys, hosts_and_origins, sigterm_lets_requests_finish, sigterm_tells_what_cannot_finish,
        addresses, embeddings_of_a_decoder, embeddings_of_an_encoder, embeddings_refused,
    ])


if __name__ == "__main__":
    main()
