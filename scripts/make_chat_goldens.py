#!/usr/bin/env python3
"""Write tests/data/chat/{chats,snippets,plain}.json: what transformers makes of chats, what its Jinja makes of snippets,
and how the library `tokenizers` cuts texts in some places of which special tokens are text.

    pip install transformers jinja2
    scripts/make_chat_goldens.py

chats.json: each template of tests/data/chat with the conversations of compare_templates.py. snippets.json: one feature
of the language each, with the text that it renders to, or null where it is refused. plain.json: texts in parts, and the
ids of all: special tokens are read out of the parts of the template alone (encode_special_tokens does that for a text).
"""
import json
import pathlib

from compare_templates import VARIABLES, FixedDate, chat_template_utils, conversations, reference

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests/data/chat"

# Rendered with the values below.
SNIPPETS = r"""
{{ 1 + 2 * 3 - 4 // 3 }} {{ 7 / 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 2 ** 10 }} {{ 1.5 + 1 }} {{ 1e3 }} {{ 1_000 }}
{{ 'a' ~ 1 ~ none ~ true ~ 1.0 ~ missing }}
{{ 'a' + 'b' * 3 }} {{ [1] + [2] }} {{ (1, 2) + (3,) }} {{ [0] * 3 }}
{{ 'a' + 1 }}
{{ 1 < 2 <= 2 != 3 }} {{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ 1 == 1.0 }} {{ '1' == 1 }} {{ none == none }}
{{ 1 < 'a' }}
{{ 'b' in 'abc' }} {{ 2 in [1, 2] }} {{ 'k' in {'k': 1} }} {{ 3 not in [1, 2] }} {{ 'x' in missing }}
{{ not true or true and false }} {{ 0 or 'b' }} {{ '' and 'b' }} {{ 1 and 2 }} {{ not [] }}
{{ 'yes' if 1 else 'no' }} {{ 'yes' if 0 }} {{ 'a' if 0 else 'b' if 0 else 'c' }}
{{ [1, 'a', none, true, 1.5, {'k': [1]}] }} {{ (1,) }} {{ () }} {{ {} }} {{ {'a': 'b', 2: "it's"} }}
{{ "tab\tquote\"back\\slash\u00e9\x41 \q" }} {{ 'a' 'b' }}
{{ ["it's", 'say "it"', 'it\'s "x"', 'a\nb\\', 'é\u200b\u00a0☃'] }}
{{ text[0] }}{{ text[-1] }}{{ text[1:3] }}{{ text[::-1] }}{{ text[:-2] }}{{ text[5:1:-2] }}{{ text[100:] }}|{{ text[99] }}|
{{ list[0] }}{{ list[-1] }}{{ list[1:] }}{{ list[::-1] }}{{ list[:2] }}{{ list[::2] }}{{ list[9] }}{{ list[-9:9] }}
{{ table.a }}{{ table['b'] }} {{ table.missing }} {{ table.items() | list }} {{ table.keys() | list }} {{ table.values() | list }}
{{ table.get('a') }} {{ table.get('z') }} {{ table.get('z', 5) }} {{ table | length }}{{ table['get']('a') }}
{{ missing.x }}
{{ missing['x'] }}
{{ missing() }}
{{ none.x }}|{{ 1 .x }}|{{ text.nothing }}|{{ list.nothing }}
{{ missing }}|{{ missing | length }}|{{ missing | default('d') }}|{{ '' | default('d', true) }}|{{ none | default('d') }}|{{ missing | upper }}
{{ ' a b '.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ ' a '.lstrip() }}|{{ ' a '.rstrip() }}|{{ '\u2003é\u2003'.strip() }}|{{ '\x1ca\x1c'.strip() }}|
{{ 'a,b,c'.split(',') }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ' a  b '.split() }} {{ ' a  b  c '.split(none, 1) }} {{ ' a b c '.rsplit(none, 1) }} {{ ''.split(',') }}
{{ 'a\nb\r\nc\n'.splitlines() }} {{ 'a\nb\n'.splitlines(true) }} {{ 'a\n\nb'.splitlines() }}
{{ 'aXbX'.replace('X', '--') }} {{ 'aXbX'.replace('X', '', 1) }} {{ 'ab'.replace('', '.') }} {{ 'ab'.replace('', '.', 2) }}
{{ 'abc'.startswith('ab') }} {{ 'abc'.endswith(('x', 'c')) }} {{ 'abc'.find('c') }} {{ 'abc'.find('x') }} {{ 'aéa'.rfind('a') }} {{ 'aaa'.count('a') }} {{ 'abc'.index('b') }}
{{ 'aBc dE'.upper() }} {{ 'aBc dE'.lower() }} {{ 'aBc dE'.title() }} {{ 'aBc dE'.capitalize() }} {{ 'éÀß'.upper() | length > 0 }} {{ 'ÉÀ'.lower() }}
{{ ', '.join(['a', 'b']) }} {{ 'prefix-x'.removeprefix('prefix-') }} {{ 'x.py'.removesuffix('.py') }} {{ 'x'.removeprefix('y') }}
{{ '12'.isdigit() }} {{ 'ab'.isalpha() }} {{ ''.isdigit() }} {{ 'AB'.isupper() }} {{ 'a1'.isalnum() }} {{ ' '.isspace() }}
{{ '{}-{}'.format(1, 'b') }} {{ '{0}{1}{0}'.format('a', 'b') }} {{ '{x} {{}}'.format(x=2) }}
{{ list.append(4) }}
{{ table.update({}) }}
{{ ' a ' | trim }}|{{ 'xax' | trim('x') }}|{{ 5 | trim }}
{{ 'hello wORLD foo-bar (baz' | title }} {{ 'hELLO' | capitalize }} {{ 'a' | upper }} {{ 'A' | lower }}
{{ [3, 1, 2] | sort }} {{ ['b', 'A', 'c'] | sort }} {{ ['b', 'A'] | sort(case_sensitive=true) }} {{ [1, 2] | sort(reverse=true) }} {{ people | sort(attribute='age') | map(attribute='name') | join(',') }}
{{ [1, 2, 3] | first }} {{ [1, 2, 3] | last }} {{ 'abc' | first }} {{ 'abc' | last }} {{ [] | first }} {{ 'abc' | list }} {{ 'abc' | reverse }} {{ [1, 2] | reverse | list }}
{{ [1, 2] | join('-') }} {{ people | join(', ', attribute='name') }} {{ ['a'] | join }} {{ 'abc' | join('.') }}
{{ people | map(attribute='name') | list }} {{ ['a', 'b'] | map('upper') | list }} {{ people | map(attribute='nope', default='?') | list }} {{ [' a '] | map('trim') | list }}
{{ [0, 1, 2, 3] | select('odd') | list }} {{ [0, 1, 2] | select | list }} {{ [1, 2, 3] | reject('equalto', 2) | list }} {{ [1, 2, 3] | select('>', 1) | list }}
{{ people | selectattr('age', 'gt', 30) | map(attribute='name') | list }} {{ people | rejectattr('name', 'equalto', 'Ann') | list | length }} {{ people | selectattr('nick') | list | length }} {{ none | selectattr('a') | list }}
{{ 'yes' if [] | select | list else 'no' }} {{ 'yes' if ([] | select) else 'no' }}
{% set g = [1, 2] | select %}{% for x in g %}{{ x }}{% endfor %}{% for x in g %}{{ x }}{% endfor %}.
{{ [1, 1, 'a', 'A', 'b'] | unique | list }} {{ [3, 1, 2] | min }} {{ [3, 1, 2] | max }} {{ [1, 2, 3] | sum }} {{ people | sum(attribute='age') }} {{ [] | max }}
{{ table | dictsort }} {{ {'b': 1, 'A': 2} | dictsort }} {{ {'x': 2, 'y': 1} | dictsort(by='value') }} {{ table | items | list }}
{{ '5' | int }} {{ '5.9' | int }} {{ 'x' | int }} {{ 'x' | int(7) }} {{ 5.9 | int }} {{ '2.5' | float }} {{ 'x' | float }} {{ -3 | abs }} {{ 2.5 | round }} {{ 2.1 | round(method='ceil') }} {{ 5 | string }} {{ true | int }}
{{ 'a\nb\n\nc' | indent }}|{{ 'a\nb' | indent(2, true) }}|{{ 'a\n\nb' | indent(2, blank=true) }}|{{ 'a\nb' | indent('> ') }}
{{ '<a href="x">&\'' | e }} {{ '<b>' | safe }}
{{ table | tojson }} {{ [1, 1.0, 1e20, true, none, 'é"\n\u2028/\x7f\x01'] | tojson }} {{ {'b': 1, 'a': []} | tojson(sort_keys=true) }} {{ 'é😀' | tojson(ensure_ascii=true) }}
{{ {'a': [1, {'b': {}}], 'c': []} | tojson(indent=2) }} {{ [1, 2] | tojson(separators=(',', ':')) }} {{ {1: 2, none: 3} | tojson }}
{{ missing | tojson }}
{{ 1 is defined }} {{ missing is defined }} {{ missing is undefined }} {{ none is none }} {{ 'a' is string }} {{ 1 is number }} {{ true is number }} {{ true is integer }} {{ 1 is integer }} {{ 1.0 is float }} {{ true is boolean }} {{ 1 is true }} {{ false is false }}
{{ {} is mapping }} {{ [] is sequence }} {{ 'a' is sequence }} {{ 1 is iterable }} {{ 'a' is iterable }} {{ range is callable }} {{ 3 is odd }} {{ 4 is even }} {{ 9 is divisibleby 3 }} {{ 'a' is in 'abc' }} {{ 1 is sameas 1 }} {{ 'AB' is upper }} {{ 'ab' is lower }}
{{ 1 is eq 1 }} {{ 1 is not equalto 2 }} {{ 1 is lt 2 }} {{ 2 is ge(2) }} {{ not 1 is none }} {{ 1 is none or true }}
{% for x in [1, 2, 3] %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('a', 'b') }}{{ loop.depth }} {% endfor %}
{% for x in [1, 1, 2] %}{{ loop.changed(x) }} {% endfor %}{% for x in [] %}x{% else %}empty{% endfor %}
{% for x in [1, 2, 3, 4] if x is even %}{{ x }}/{{ loop.length }} {% endfor %}{% for k, v in table.items() %}{{ k }}={{ v }};{% endfor %}{% for c in 'aé' %}{{ c }}.{% endfor %}{% for k in table %}{{ k }}{% endfor %}
{% for x in [1, 2, 3] %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 3 %}{% break %}{% endif %}{{ x }}{% endfor %}
{% for x in [1, 2] %}{% for y in [1, 2] %}{{ loop.index }}{% endfor %}{{ loop.index }} {% endfor %}
{% for a, b in [(1, 2), [3, 4]] %}{{ a + b }} {% endfor %}{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ c }}{% endfor %}
{% for a, b in [(1, 2, 3)] %}{% endfor %}
{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}{% if true %}{% set x = 9 %}{% endif %}{{ x }}
{% set ns = namespace(x=1, y='a') %}{% for i in [1, 2] %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}{{ ns.y }}{{ ns.z }}
{% set table.a = 1 %}
{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set t = 1, 2 %}{{ t }}
{% set x %}a{{ 1 }}{% endset %}{{ x }}{% set x | upper | replace('A', 'c') %}a{% endset %}{{ x }}
{% macro m(a, b='x', c=a) %}{{ a }}{{ b }}{{ c }};{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(1, c=3) }}{{ m() }}{{ m(1) | upper }}
{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{% endmacro %}{{ m(b=2) }}
{% set x = 1 %}{% macro m() %}{{ x }}{{ i }}{% endmacro %}{% for i in [5] %}{{ m() }}{% endfor %}{% set x = 2 %}{{ m() }}
{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}
{% macro box(t) %}[{{ t }}:{{ caller('c') }}]{% endmacro %}{% call(x) box('a') %}{{ x }}!{% endcall %}
{% filter upper %}a{{ 'b' }}{% endfilter %}{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a }}
{% raw %}{{ x }} {% if %}{% endraw %} {# comment {{ #}a{#- b -#} c
{%- if false %}a{% elif 1 %}b{% else %}c{% endif -%}   d
{% generation %}a{{ 1 }}{% endgeneration %}
{{ range(3) | list }} {{ range(1, 4) | list }} {{ range(5, 0, -2) | list }} {{ range(3) | length }} {{ dict(a=1) }} {{ dict([('k', 2)]) }}
{{ strftime_now('%Y-%m-%d %d %b %A %H:%M') }}
{{ raise_exception('no') }}
{{ 'a' if true }}{{ "{{" }}{{ '}}' }}{{ {'a': {'b': 1}}.a.b }}
{{ list | map('string') | join(',') }} {{ list | length }} {{ (list | length) - 1 }} {{ list|length - 1 }}
{{ text | length }} {{ 'é☃' | length }} {{ 'é☃'[1] }} {{ 'é☃'[:1] }}
{{ people[0].name }} {{ people[0]['name'] }} {{ people.0.name }} {{ people[-1].age + 1 }}
{{ -1 | abs }} {{ - 1 }} {{ +1 }} {{ 2 - -1 }} {{ -(1 + 2) * 2 }}
{{ list is defined and list | length > 2 and 'x' not in list }}
{{ 'a' == 'a' and 'b' != 'c' }} {{ ('a', 'b')[1] }} {{ ['x'][0] + 'y' }} {{ 'x' * 0 }}|
{{ 'a' | nothing }}
{{ 1 is nothing }}
{% include 'x' %}
{% if %}
{% for x in %}{% endfor %}
{{ 1 + }}
{{ 'a }}
{% if true %}
{{ (1 }}
{% endif %}
{{ 1 // 0 }}
{% set x.y.z = 1 %}
{{ text.split('')[0] }}
{{ {'a': 1}.b.c }}
{{ [1, 2](3) }}
{{ 'a'.join([1]) }}
"""
VALUES = {"text": "héllo wörld", "list": [1, 2, 3], "table": {"a": 1, "b": "x"},
          "people": [{"name": "Ann", "age": 40, "nick": "A"}, {"name": "Bob", "age": 30}]}
# Of several lines each.
BLOCKS = ["  {% if true %}\n    a\n  {% endif %}\nb\n", "x  {% if true %}  y  {% endif %}  z\n",
          "  {%+ if true %}a{% endif +%}\nb", "a\n\n  {%- if true %}\n\n b\n {%- endif %}\n\nc", "{{ 1 }}\n\n{{ 2 }}\n",
          "{% for i in [1, 2] %}\n- {{ i }}\n{% endfor %}\nend\n\n", "a\r\nb\rc\n{# x #}\n  {# y #}\nd",
          "{%- for i in [1, 2] -%}\n  {{ i }}\n{%- endfor -%}\n", "  {% raw %}\n {{ a }}\n {% endraw %}\n x",
          "{% set x %}\n  a\n  b\n{% endset %}[{{ x }}]", "a {#- c -#} b {# d #}\n e", "\t {% set a = 1 %}\t\n  {{ a }}",
          "{{ 1 -}}  \n  a  {{- 2 }}", "{% if true -%}   a   {%- endif %}   b", "\n{% if true %}\n{% endif %}\n\n", "{{ '\n' }}x\n",
          "{% macro m() %}\n  a\n{% endmacro %}\n{{ m() }}b", "a\u00a0\u2003{%- if true %}b{% endif -%}\u2003c"]


def snippet(source):
    try:
        return chat_template_utils._compile_jinja_template(source).render(**VALUES)
    except Exception:  # whatever it is refused for
        return None


# Parts of a text; those that begin with "T:" are the template's. A special token stands in a part of its own.
PLAIN = [["T:{0}", "Hello {0} there", "T:{1}"], ["{0}{1}", "T:{0}", "{1}"], ["T:user\n", "Hello\n\nworld", "T:\n", "\nmore"],
         ["T:{0}", "  {0}  ", "T: and ", "x{1}y{0}"], ["half of {0}"[:-3], "T:{1}", ">]|"], ["<left>clockwork<right>er {0}κλειδί"],
         ["T:{0}", "", "T:{1}"], ["\u0338x", "T:{0}", "\u0338{0}"], ["T:<le", "ft>", "T:{1}"], ["T:{0}", "{0}"[:1], "T:x"]]


def plain_tokens():
    from tokenizers import Tokenizer
    cases = []
    for name, specials in [("gpt2-like", ("<|endoftext|>",) * 2), ("llama3-like", ("<|begin_of_text|>", "<|end_of_text|>")),
                           ("qwen2-like", ("<|im_start|>", "<|im_end|>")), ("bert-like", ("[CLS]", "[SEP]"))]:
        tokenizer = Tokenizer.from_file(str(FOLDER.parent / "tokenizers" / name / "tokenizer.json"))
        tokenizer.encode_special_tokens = True
        for parts in PLAIN:
            parts = [part.replace("{0}", specials[0]).replace("{1}", specials[1]) for part in parts]
            ids, run = [], ""
            for part in [*parts, None]:
                special = part is not None and part.startswith("T:") and part[2:] in specials
                if special or part is None:
                    ids += tokenizer.encode(run, add_special_tokens=False).ids
                    run = ""
                if special:
                    ids.append(tokenizer.token_to_id(part[2:]))
                elif part is not None:
                    run += part.removeprefix("T:")
            cases.append({"tokenizer": name, "parts": parts, "ids": ids})
    return cases


def main():
    (FOLDER / "plain.json").write_text(json.dumps(plain_tokens(), ensure_ascii=False))
    chat_template_utils.datetime = FixedDate
    snippets = [line for line in SNIPPETS.splitlines() if line] + BLOCKS
    pairs = [[source, snippet(source)] for source in snippets]
    (FOLDER / "snippets.json").write_text(json.dumps({"values": VALUES, "snippets": pairs}, indent=0, ensure_ascii=False))
    chats = []
    for path in sorted(FOLDER.glob("*.jinja")):
        for about, messages in conversations():
            for values in ({}, {"enable_thinking": False}):
                if values and path.stem != "thinking":
                    continue
                text = reference(path.read_text(), messages, values)
                chats.append({"template": path.stem, "messages": messages, "values": values,
                              "text": None if isinstance(text, Exception) else text})
    (FOLDER / "chats.json").write_text(json.dumps({"variables": VARIABLES, "chats": chats}, indent=0, ensure_ascii=False))


if __name__ == "__main__":
    main()
