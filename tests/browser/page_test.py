#!/usr/bin/env python3
"""The page of `continuo explain --html` in a real browser: chromium, headless, driven by playwright.

    python tests/browser/page_test.py build/continuo [--shots FOLDER]

needs `pip install playwright` (no `playwright install`: the system's chromium is used). Exits with 77, and says so, where
either is missing. --shots keeps screenshots at two widths in both themes, for people to look at.
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

PROMPT = ("<script>window.broken = 1</script></script><img src=x onerror='window.broken = 2'> & \"quoted\" \\u003c 貓\u202e "
          "Once upon a time there was a cat. The cat")
WIDTHS = {"desktop": 1280, "phone": 390}
HEIGHT = 900


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def run(binary, *arguments):
    return subprocess.run([binary, "explain", *arguments], check=True, capture_output=True, text=True).stdout


class Checks:
    """Collects failures, so that one run tells all of them."""

    def __init__(self):
        self.failures = []

    def __call__(self, condition, what):
        if not condition:
            self.failures.append(what)
            print("FAILED:", what, flush=True)


def three(value):
    return float(f"{value:.3g}")


class Page:
    """One opened page; everything that the browser complains about or asks for is kept."""

    def __init__(self, browser, path, width, theme):
        self.path = path
        self.context = browser.new_context(viewport={"width": width, "height": HEIGHT}, color_scheme=theme)
        self.page = self.context.new_page()
        self.complaints, self.requests = [], []
        self.page.on("console", lambda message: self.complaints.append(message.text) if message.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("footer")

    def js(self, expression):
        return self.page.evaluate(expression)

    def close(self):
        self.context.close()


def check_whole(check, opened, data, name):
    page = opened.page
    for panel in data["panels"]:
        section = page.locator(f"section#{panel['name']}")
        check(section.count() == 1, f"{name}: panel {panel['name']} is there")
        check(section.locator("h2").inner_text() == panel["title"], f"{name}: title of {panel['name']}")
        check(section.locator(".sentence").inner_text() == panel["sentence"], f"{name}: sentence of {panel['name']}")
        check(section.locator(".next a").count() == 1, f"{name}: {panel['name']} links to the next")
        check(section.locator("figure, p, .card").count() > len(panel["figures"]), f"{name}: figures of {panel['name']}")
        check(section.bounding_box()["height"] > 120, f"{name}: {panel['name']} has a size")
    page.locator("#attention .thumbs canvas").last.scroll_into_view_if_needed()
    # Small pictures are painted when they come into sight.
    painted = "[...document.querySelectorAll('#attention .thumbs canvas')].pop().hasAttribute('data-painted')"
    for _ in range(200):
        if opened.js(painted):
            break
        page.wait_for_timeout(100)
    check(opened.js(painted), f"{name}: a head's picture stays blank in sight")
    blank = opened.js("""[...document.querySelectorAll('canvas')].filter((c) => !c.closest('.thumbs') || c.dataset.painted).filter((c) => {
        const pixels = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        return pixels.every((value, i) => value === pixels[i % 4]);
    }).length""")
    check(blank == 0, f"{name}: {blank} canvases are blank")
    cut = opened.js("[...document.querySelectorAll('.tablebox')].filter((e) => e.scrollWidth > e.clientWidth + 1).length")
    check(name.split("-")[-2] != "phone" or cut == 0, f"{name}: {cut} tables are cut off on the right")
    check("[object" not in page.inner_text("body") and "undefined" not in page.inner_text("body"), f"{name}: texts are texts")
    check(opened.js("document.documentElement.scrollWidth <= innerWidth"), f"{name}: nothing sticks out to the right")
    check(opened.js("window.broken === undefined"), f"{name}: text from the prompt ran as a script")
    check(opened.js("document.querySelectorAll('section img').length === 0"), f"{name}: text from the prompt became an element")
    unnamed = opened.js("[...document.querySelectorAll('button, canvas[role=img], [role=listbox]')]"
                        ".filter((e) => !e.textContent.trim() && !e.getAttribute('aria-label')).length")
    check(unnamed == 0, f"{name}: {unnamed} controls have no name")


# The least contrast of any text with what it stands on (WCAG 2: 4.5, or 3 for large text).
CONTRAST = """(() => {
  const parse = (text) => {
    const n = (text.match(/[-\\d.]+(?:e-?\\d+)?/g) || []).map(Number);
    return text.startsWith('color(') ? [n[0] * 255, n[1] * 255, n[2] * 255, n[3] ?? 1] : [n[0], n[1], n[2], n[3] ?? 1];
  };
  const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3]));
  const light = (rgb) => { const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (e) => {
    const layers = [];
    for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] > 0) layers.push(c); if (c[3] === 1) break; }
    return layers.reverse().reduce((below, c) => over(c, below), [255, 255, 255]);
  };
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    if (['SCRIPT', 'NOSCRIPT', 'STYLE'].includes(e.tagName) || e.disabled || e.closest('svg')) continue;
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    const style = getComputedStyle(e), box = e.getBoundingClientRect();
    if (style.visibility === 'hidden' || box.width === 0) continue;
    const below = ground(e), a = light(over(parse(style.color), below)), b = light(below);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.6 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) poor.push(`${ratio.toFixed(2)} ${e.tagName}.${e.className} "${e.textContent.trim().slice(0, 30)}"`);
  }
  return poor;
})()"""


def check_contrast(check, opened, name):
    poor = opened.js(CONTRAST)
    check(poor == [], f"{name}: {len(poor)} texts are hard to read: {poor[:4]}")


def numbers_in(text):
    where = re.search(r"\((\d+)\).*\((\d+)\)", text)
    value = re.search(r": .*?(-?[\d.]+(?:e[-+]\d+)?)$", text)
    return int(where[1]), int(where[2]), float(value[1]) if value else None


def hover_attention(check, opened, recording, stage, exact):
    """Points at cells all over the large matrix; the tip must tell what the JSON holds."""
    page = opened.page
    page.locator(f"[data-stage={stage}]").click()
    canvas = page.locator("canvas[data-figure=attention]")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    told, masked = 0, 0
    for fx in (0.3, 0.45, 0.6, 0.75, 0.9):
        for fy in (0.3, 0.5, 0.7, 0.9, 0.97):
            page.mouse.move(box["x"] + fx * box["width"], box["y"] + fy * box["height"])
            text = page.locator("#tip").inner_text()
            if not re.search(r"\(\d+\).*\(\d+\)", text):
                continue
            i, j, value = numbers_in(text)
            if j > i and stage in ("masked", "weights", "valued"):
                masked += 1
                check(value is None, f"{stage}: cell ({i}, {j}) is masked, and the tip says '{text}'")
                continue
            told += 1
            check(value is not None and exact(i, j, value), f"{stage}: at ({i}, {j}) the page says '{text}'")
    check(told >= 5, f"{stage}: the tip told {told} numbers")
    check(stage not in ("masked", "weights", "valued") or masked >= 1, f"{stage}: no masked cell was met")


def check_hover(check, opened, recording, data):
    layer, head = 1, 1
    opened.page.locator(f"#attention [data-head='{layer}.{head}']").click()
    found = recording["layers"][layer]["attention"]["heads"][head]
    scores, weights = found["scores"], found["weights"]
    hover_attention(check, opened, recording, "scores", lambda i, j, value: abs(value - scores[i][j]) <= 0.00501)
    hover_attention(check, opened, recording, "masked", lambda i, j, value: abs(value - scores[i][j]) <= 0.00501)
    hover_attention(check, opened, recording, "weights", lambda i, j, value: value == three(weights[i][j]) or weights[i][j] < 1e-9)
    lengths = next(f["lengths"] for p in data["panels"] for f in p["figures"] if f["kind"] == "attention")[f"{layer}.{found['kv_head']}"]
    hover_attention(check, opened, recording, "valued",
                    lambda i, j, value: abs(value - weights[i][j] * lengths[j] / max(lengths)) <= 0.01 * value + 1e-6)
    hover_attention(check, opened, recording, "unmasked",
                    lambda i, j, value: abs(value - found["weights_without_mask"][i][j]) <= 0.06 * max(value, 0.01))


def check_head_in_sight(check, opened):
    """Choosing a head changes what is in sight beside the gallery."""
    page = opened.page
    page.locator("[data-stage=weights]").click()
    page.locator("#attention .look").evaluate("e => e.scrollIntoView({ block: 'start', behavior: 'instant' })")
    page.wait_for_timeout(300)
    canvas = page.locator("canvas[data-figure=attention]")
    box = canvas.bounding_box()
    check(0 <= box["y"] and box["y"] + 0.5 * box["height"] < HEIGHT, f"the matrix stands beside the gallery: {box}")
    pixels = "document.querySelector('canvas[data-figure=attention]').toDataURL()"
    before = opened.js(pixels)
    page.locator("#attention .thumbs button").nth(2).click()
    check(opened.js(pixels) != before, "choosing a head changes the matrix")
    check(page.locator("#attention .look").bounding_box()["y"] > -5, "and nothing scrolls away")


def check_pair(check, opened, recording):
    """q.k of a chosen cell is its score; the sum of the weighted values is told."""
    page = opened.page
    page.locator("#attention [data-head='0.0']").click()
    page.locator("[data-stage=scores]").click()
    canvas = page.locator("canvas[data-figure=attention]")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    canvas.click(position={"x": 0.45 * box["width"], "y": 0.9 * box["height"]})
    told = page.locator("#attention .large .readout").inner_text()
    i, j, score = numbers_in(told)
    text = page.locator("#attention .pair").inner_text()
    numbers = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?(?:e[-+]\d+)?", text.split("q·k = ")[1].split("\n")[0].replace("，", ","))]
    check(abs(numbers[-1] - recording["layers"][0]["attention"]["heads"][0]["scores"][i][j]) < 0.02 + 0.005 * abs(score),
          f"q.k at ({i}, {j}) makes the score: {numbers} for {score}")
    check(page.locator("#attention .vectors canvas").count() >= 5, "q, k, v and the weighted sum are drawn")
    page.locator("[data-stage=weights]").click()


def set_slider(opened, place, value):
    opened.page.locator("#output [data-figure=sampler] input").nth(place).evaluate(
        "(e, value) => { e.value = value; e.dispatchEvent(new Event('input')); }", value)


def check_sampler(check, opened, recording):
    page = opened.page
    first = page.locator("#output [data-figure=sampler] .bars .value").first
    for place, value in ((0, 1), (1, 100), (2, 1)):
        set_slider(opened, place, value)
    share = float(first.inner_text().split()[0]) / 100
    best = recording["outputs"][-1]["guesses"][0]["probability"]
    check(abs(share - best) < 0.01 * best, f"the sliders' softmax is the model's: {share} for {best}")
    all_tokens = page.locator("#output [data-figure=sampler] .readout").first.inner_text()
    check(str(recording["vocab_size"]) in all_tokens, f"all tokens can be drawn: {all_tokens}")
    set_slider(opened, 1, 0)
    check(first.inner_text().startswith("100"), "with top-k 1 the best is sure")
    set_slider(opened, 1, 100)
    set_slider(opened, 0, 0)
    check(first.inner_text().startswith("100"), "with temperature 0 the best is sure")
    set_slider(opened, 0, 1)
    page.locator("#output [data-figure=sampler] button").click()
    check(page.locator("#output [data-figure=sampler] .readout").last.inner_text() != "", "a token is drawn")


def check_loop(check, opened, recording):
    page = opened.page
    box = page.locator("#text [data-figure=loop]")
    shown = lambda: len(box.locator(".sofar .tok").all())
    box.locator("input").evaluate("e => { e.value = 2; e.dispatchEvent(new Event('input')); }")
    check(shown() == 4, "the text up to a step, and what comes")
    box.locator("button").nth(2).click()
    check(shown() == 5, "one step on")
    expected = recording["outputs"][3]["guesses"][0]["probability"]
    told = float(box.locator(".bars .value").first.inner_text().split()[0]) / 100
    check(abs(told - expected) < 0.006 * expected, f"what was expected there: {told} for {expected}")
    box.locator("button").first.click()
    check(shown() == 4, "and back")


def check_switches(check, opened, recording):
    page = opened.page
    box = page.locator("#what-if [data-figure=switches]")
    group = box.locator(".switches").first.locator("button")
    group.nth(1).click()
    told = float(box.locator(".compare > div").nth(1).locator(".bars .value").first.inner_text().split()[0]) / 100
    expected = recording["what_if"]["tokens"][1]["guesses"][0]["probability"]
    check(abs(told - expected) < 0.006 * expected, f"without a token: {told} for {expected}")
    check(group.nth(1).get_attribute("aria-pressed") == "true", "the switch is pressed")
    group.nth(1).click()
    check(group.nth(1).get_attribute("aria-pressed") == "false", "and can be let go")
    check(page.locator("#tree [data-figure=tree] li").count() == len(recording["tree"]), "the tree has a branch for each node")


def check_lens(check, opened, recording):
    layers, n = len(recording["layers"]), recording["n"]
    cells = opened.page.locator("#lens table.lens td button")
    check(cells.count() == layers * n, "the lens has a cell for each layer and token")
    for layer, row in ((0, 3), (layers - 1, n - 1)):
        cell = cells.nth((layers - 1 - layer) * n + row)
        cell.click()
        best = recording["layers"][layer]["lens"]["guesses"][row][0]
        facts = opened.page.locator("#lens dl.facts dd").first.inner_text()
        check(three(float(facts.split()[0]) / 100) == three(three(100 * best["probability"]) / 100),
              f"lens at layer {layer}, token {row}: {facts} for {best}")


def check_keyboard(check, opened):
    page = opened.page
    selected = "document.querySelector('#tokens .strip [aria-selected=true]').dataset.position"
    page.locator("#tokens .strip button").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    check(opened.js(selected) == "2", "arrow keys walk through the tokens")
    check(opened.js("document.activeElement.dataset.position") == "2", "the focus follows")
    page.keyboard.press("ArrowLeft")
    check(opened.js(selected) == "1", "and back")

    head = "document.querySelector('#attention .layers [aria-selected=true]').dataset.head"
    before = opened.js(head)
    page.locator("#attention .layers [aria-selected=true]").focus()
    page.keyboard.press("ArrowRight")
    right = opened.js(head)
    page.keyboard.press("ArrowDown")
    down = opened.js(head)
    check(len({before, right, down}) == 3, f"arrow keys walk through heads and layers: {before}, {right}, {down}")

    page.locator("[data-stage=weights]").click()
    page.keyboard.press("ArrowLeft")
    check(page.locator("[data-stage=masked]").get_attribute("aria-checked") == "true", "arrow keys change the stage")
    canvas = page.locator("canvas[data-figure=attention]")
    canvas.focus()
    page.keyboard.press("ArrowDown")
    first = page.locator("#attention .large .readout").inner_text()
    page.keyboard.press("ArrowDown")
    check(page.locator("#attention .large .readout").inner_text() not in ("", first), "arrow keys walk through the matrix")


def check_theme(check, opened):
    seen = set()
    for _ in range(3):
        seen.add(opened.js("getComputedStyle(document.body).backgroundColor"))
        opened.page.locator(".theme").click()
    check(len(seen) == 2, "the switch knows a light and a dark page")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--shots", type=pathlib.Path)
    arguments = parser.parse_args()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        skip("this python has no playwright")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        skip("there is no chromium")

    check = Checks()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for language in ("en", "zh-Hant"):
            path = pathlib.Path(folder) / f"{language}.html"
            recording = json.loads(run(arguments.binary, "--no-mask", "--html", str(path), "--lang", language, "--json", PROMPT))
            limit = 1_500_000 + max(0, recording["n"] - 64) / 64 * 2_500_000
            check(path.stat().st_size < limit, f"the page of {recording['n']} tokens has {path.stat().st_size} bytes")
            text = path.read_text()
            data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1])
            check(text.count("<script") == 2, "two scripts: the data and ours")
            for form, width in WIDTHS.items():
                for theme in ("light", "dark"):
                    name = f"{language}-{form}-{theme}"
                    opened = Page(browser, path, width, theme)
                    check_whole(check, opened, data, name)
                    if arguments.shots:
                        arguments.shots.mkdir(parents=True, exist_ok=True)
                        opened.page.screenshot(path=arguments.shots / f"{name}.png", full_page=True)
                    check_contrast(check, opened, name)
                    if theme == "light":
                        if form == "desktop":
                            check_head_in_sight(check, opened)
                        check_pair(check, opened, recording)
                        check_sampler(check, opened, recording)
                        check_loop(check, opened, recording)
                        check_switches(check, opened, recording)
                        check_hover(check, opened, recording, data)
                        check_lens(check, opened, recording)
                        check_keyboard(check, opened)
                        check_theme(check, opened)
                    check(opened.complaints == [], f"{name}: the browser complains: {opened.complaints}")
                    check(opened.requests == [path.as_uri()], f"{name}: requests left the page: {opened.requests}")
                    opened.close()
        browser.close()
    print(f"{len(check.failures)} failures")
    sys.exit(1 if check.failures else 0)


if __name__ == "__main__":
    main()
