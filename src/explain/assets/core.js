// The page's state, and what its figures share. Everything shown comes from the JSON in #data; text only ever becomes
// text nodes, never markup.
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);

// A text of the table of words, with values put in for {}.
function say(key, ...values) {
  let i = 0;
  return (data.words[key] ?? key).replace(/\{\d?\}/g, () => String(values[i++]));
}

// h('p', {class: 'x', onclick: f}, child, ...): an element. Children are elements or text.
function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'style') {
      for (const [key, one] of Object.entries(value)) {
        if (key.startsWith('--')) element.style.setProperty(key, one);
        else element.style[key] = one;
      }
    }
    else if (value !== false && value !== undefined) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

// ---- state: which token, layer, head and stage are looked at ----
// The last token: what comes next is asked after it.
const state = { token: data.rows - 1, layer: 0, head: 0, stage: 'weights' };
const watchers = [];
function watch(f) { watchers.push(f); f(state, true); }
function change(patch) {
  const before = { ...state };
  Object.assign(state, patch);
  if (Object.keys(patch).some((key) => before[key] !== state[key])) watchers.forEach((f) => f(state, false));
}

// ---- numbers, as the program itself writes them ----
function digits3(value) {
  if (value === 0) return '0';
  const [mantissa, exponent] = value.toExponential(2).split('e');
  const e = Number(exponent);
  if (e < -5 || e > 5) return mantissa + 'e' + (e < 0 ? '-' : '+') + String(Math.abs(e)).padStart(2, '0');
  return value.toFixed(Math.max(0, 2 - e));
}
function seconds(value) {
  if (value < 1e-3) return digits3(value * 1e6) + ' µs';
  return value < 1 ? digits3(value * 1e3) + ' ms' : digits3(value) + ' s';
}

// Large counts, as the program itself writes them.
function count(value) {
  const prefixes = ['', 'k', 'M', 'G', 'T', 'P'];
  let i = 0;
  for (; value >= 999.5 && i + 1 < prefixes.length; ++i) value /= 1000;
  return `${digits3(value)} ${prefixes[i]}`.trim();
}

// ---- packed numbers: two characters of an alphabet of 91 each (html.cpp) ----
const kAlphabet = (() => {
  let all = '';
  for (let code = 0x20; code < 0x7f; ++code) if (!'"\\<&'.includes(String.fromCharCode(code))) all += String.fromCharCode(code);
  return all;
})();
const kDigit = new Map([...kAlphabet].map((character, i) => [character, i]));
function codes(packed) {
  const out = new Uint16Array(packed.length / 2);
  for (let i = 0; i < out.length; ++i) out[i] = kDigit.get(packed[2 * i]) * 91 + kDigit.get(packed[2 * i + 1]);
  return out;
}
// Numbers in decimal steps.
function decimals(packed) { return Float64Array.from(codes(packed.packed), (code) => packed.low + code * packed.step); }
// One character a weight: 0, or 1..90 for 10^-4 to 1.
const kCoarse = Float64Array.from({ length: 91 }, (_, code) => (code ? 10 ** (-4 + 4 * (code - 1) / 89) : 0));
// 0; three digits and a power of ten; or 1.
function weightOf(code) {
  if (code === 0) return 0;
  if (code > 8100) return 1;
  const mantissa = (code - 1) % 900 + 100, exponent = Math.floor((code - 1) / 900) + 3;
  return Number(mantissa + 'e-' + exponent);
}

// ---- colours ----
let palette;
function readPalette() {
  const style = getComputedStyle(document.documentElement);
  const rgb = (name) => {
    const hex = style.getPropertyValue(name).trim();
    return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  };
  palette = { none: rgb('--card'), high: rgb('--accent'), low: rgb('--warm'), ink: rgb('--ink'), soft: rgb('--soft'),
    faint: rgb('--faint'), line: rgb('--line'), mark: rgb('--mark') };
}
readPalette();
const css = ([r, g, b]) => `rgb(${r} ${g} ${b})`;
function mix(from, to, share) { return from.map((c, i) => Math.round(c + (to[i] - c) * share)); }
// `share` from -1 to 1.
function colour(share) { return mix(palette.none, share < 0 ? palette.low : palette.high, Math.min(1, Math.abs(share))); }
// Of two inks the one that stands out more on a colour (WCAG's relative luminance).
function luminance(rgb) {
  const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function inkOn(rgb) { return luminance(rgb) > 0.179 ? '#000000' : '#ffffff'; }

const redraws = [];  // of canvases: after a change of theme or size
function redrawAll() { readPalette(); redraws.forEach((f) => f()); watchers.forEach((f) => f(state, false)); }

// ---- the tip ----
const tip = h('div', { id: 'tip', role: 'tooltip' });
function showTip(text, x, y) {
  tip.textContent = text;
  tip.style.visibility = 'visible';
  const box = tip.getBoundingClientRect();
  tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - box.width - 4)) + 'px';
  tip.style.top = (y + 18 + box.height > innerHeight ? y - box.height - 10 : y + 18) + 'px';
}
function hideTip() { tip.style.visibility = 'hidden'; }
function tipped(element, text) {
  element.addEventListener('pointermove', (e) => showTip(text(), e.clientX, e.clientY));
  element.addEventListener('pointerleave', hideTip);
  return element;
}

// Calls paint() when the element is first seen, and again when it has to be painted anew and is in sight.
const inSight = new Map();
const sight = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const painted = inSight.get(entry.target);
    painted.visible = entry.isIntersecting;
    if (painted.visible && painted.stale) { painted.stale = false; painted.paint(); }
  }
}, { rootMargin: '200px' });
function paintInSight(element, paint) {
  const entry = { paint: () => { paint(); element.dataset.painted = 'yes'; }, stale: true, visible: false };
  inSight.set(element, entry);
  sight.observe(element);
  redraws.push(() => {
    entry.stale = !entry.visible;
    if (entry.visible) entry.paint();
  });
}

// For a pointer that moves, not for a page that scrolls under it.
const moved = (f) => (event) => { if (event.movementX || event.movementY) f(); };

// Arrow keys in a row or grid of buttons: `columns` to a row.
function arrows(container, columns, choose) {
  container.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (step === undefined) return;
    const buttons = [...container.querySelectorAll('button')];
    const at = buttons.indexOf(document.activeElement);
    const to = buttons[at + step];
    if (at < 0 || !to) return;
    event.preventDefault();
    to.focus();
    choose(at + step);
  });
}

function factList(facts) {
  return h('dl', { class: 'facts' }, facts.map(([name, value]) => [h('dt', {}, name), h('dd', { class: 'tok' }, value)]));
}
