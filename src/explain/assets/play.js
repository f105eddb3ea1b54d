// Figures to play with: everything was computed beforehand, or is computed from scores that are in the page.

function slider(name, attributes, onchange) {
  const input = h('input', { type: 'range', 'aria-label': name, ...attributes, oninput: () => onchange(Number(input.value)) });
  const output = h('output', {});
  return { row: h('label', { class: 'slider' }, h('span', {}, name), input, output), output, input };
}

// ---- temperature, top-k and top-p on all scores ----

// The distribution under these settings: the named tokens in order, then the others in steps of their scores.
function sampled(f, { temperature, k, p }) {
  const weight = (logit) => (temperature > 0 ? Math.exp((logit - f.logits[0]) / temperature) : logit === f.logits[0] ? 1 : 0);
  const groups = [...f.logits.map((logit) => [1, weight(logit)]),
    ...f.rest.map((n, i) => [n, weight(f.rest_top - (i + 0.5) * f.rest_step)])];
  let left = temperature > 0 ? k : 1;
  const best = groups.map(([n, w]) => { const taken = Math.min(n, left); left -= taken; return [taken, w]; });
  const within = best.reduce((sum, [n, w]) => sum + n * w, 0);
  let sum = 0;
  const kept = best.map(([n, w]) => {
    // As many as are needed until their sum reaches p: the one that reaches it is kept.
    const before = sum, needed = w > 0 ? Math.max(0, Math.ceil((p * within - before) / w - 1e-9)) : 0;
    const taken = before >= p * within ? 0 : Math.min(n, needed);
    sum += taken * w;
    return [taken, w];
  });
  return { kept, sum, tokens: kept.reduce((total, [n]) => total + n, 0) };
}

figures.sampler = (f) => {
  const kShown = 12, kSteps = 100;
  const settings = { temperature: f.temperature, k: f.top_k || f.vocab_size, p: f.top_p };
  let drawn = null;
  const bars = h('div', {}), line = h('p', { class: 'readout', 'aria-live': 'polite' }), result = h('p', { class: 'readout', 'aria-live': 'polite' });
  const toK = (value) => Math.max(1, Math.round(f.vocab_size ** (value / kSteps)));
  const set = (change) => { Object.assign(settings, change); drawn = null; paint(); };
  const temperature = slider(say('sampler.temperature'), { min: 0, max: 2, step: 0.05, value: settings.temperature }, (value) => set({ temperature: value }));
  const topK = slider(say('sampler.top_k'), { min: 0, max: kSteps, step: 1, value: kSteps * Math.log(settings.k) / Math.log(Math.max(2, f.vocab_size)) }, (value) => set({ k: toK(value) }));
  const topP = slider(say('sampler.top_p'), { min: 0.02, max: 1, step: 0.01, value: settings.p }, (value) => set({ p: value }));
  const draw = h('button', { type: 'button', class: 'press', onclick: () => {
    const now = sampled(f, settings);
    let at = Math.random() * now.sum;
    drawn = now.kept.findIndex(([n, w]) => (at -= n * w) < 0);
    paint();
  } }, say('sampler.draw'));
  function paint() {
    const now = sampled(f, settings);
    temperature.output.textContent = settings.temperature.toFixed(2);
    topK.output.textContent = settings.k >= f.vocab_size ? say('sampler.all') : String(settings.k);
    topP.output.textContent = settings.p.toFixed(2);
    const shown = f.labels.slice(0, kShown).map((label, i) => {
      const [n, w] = now.kept[i], share = n * w / now.sum;
      return { label, value: share, shown: n ? digits3(100 * share) + ' %' : '0 %', note: '', gone: n === 0, marked: i === drawn };
    });
    bars.replaceChildren(barRows(shown, largestOf(shown)));
    line.textContent = say('sampler.left', now.tokens, Math.min(kShown, f.labels.length));
    result.replaceChildren(drawn === null ? '' : say('sampler.drawn', f.labels[drawn] ?? say('sampler.other')));
  }
  paint();
  return captioned(f.caption, h('div', { class: 'card', 'data-figure': 'sampler' }, h('div', { class: 'sliders' }, temperature.row, topK.row, topP.row), bars, line, draw, result));
};

// ---- the loop, a token at a time ----

figures.loop = (f) => {
  let at = f.first, timer = null;
  const text = h('p', { class: 'sofar' }), bars = h('div', {}), line = h('p', { class: 'readout', 'aria-live': 'polite' });
  const button = (key, onclick) => h('button', { type: 'button', class: 'press', onclick }, say(key));
  const back = button('loop.back', () => go(at - 1)), forward = button('loop.forward', () => go(at + 1));
  const play = button('loop.play', () => (timer ? stop() : start()));
  const steps = slider(say('loop.slider'), { min: 0, max: f.steps.length - 1, step: 1, value: at }, (value) => go(value));
  function stop() { clearInterval(timer); timer = null; play.textContent = say('loop.play'); }
  function start() {
    if (at + 1 >= f.steps.length) at = -1;
    timer = setInterval(() => (at + 1 < f.steps.length ? show(at + 1) : stop()), 900);
    play.textContent = say('loop.pause');
  }
  function go(to) { stop(); show(to); }
  function show(to) {
    at = Math.max(0, Math.min(f.steps.length - 1, to));
    const step = f.steps[at];
    text.replaceChildren(...f.labels.slice(0, at + 1).map((label) => h('span', { class: 'tok' }, label)),
      h('span', { class: 'tok coming' + (step.generated ? ' generated' : '') }, step.next || '?'));
    bars.replaceChildren(barRows(step.bars, 1));
    line.textContent = step.line;
    steps.input.value = at;
    steps.output.textContent = say('loop.step', at + 1, f.steps.length);
    back.disabled = at === 0;
    forward.disabled = at + 1 === f.steps.length;
    change({ token: at });
  }
  // Not change() while the page is laid out: the first token stays chosen.
  const first = state.token;
  show(at);
  change({ token: first });
  return captioned(f.caption, h('div', { class: 'card', 'data-figure': 'loop' }, h('div', { class: 'presses' }, back, play, forward), steps.row, text, bars, line));
};

// ---- parts switched off ----

figures.switches = (f) => {
  let chosen = null;
  const bars = h('div', {}), before = h('div', {}), line = h('p', { class: 'readout', 'aria-live': 'polite' }), title = h('div', { class: 'subhead' });
  const all = f.groups.flatMap((group) => group.switches), largest = all.reduce((most, one) => Math.max(most, one.effect), 1e-9);
  const buttons = new Map();
  const choose = (one) => { chosen = chosen === one ? null : one; paint(); };
  const groups = f.groups.map((group) => h('div', { class: 'group' }, h('div', { class: 'name' }, group.title),
    h('div', { class: 'switches', role: 'group', 'aria-label': group.title }, group.switches.map((one) => {
      const button = h('button', { type: 'button', class: 'tok' + (one.changes ? ' changes' : ''), 'aria-label': one.title, onclick: () => choose(one) }, one.label);
      tipped(button, () => `${one.title}: ${digits3(one.effect)} bit`);
      buttons.set(one, button);
      return button;
    }))));
  function paint() {
    for (const [one, button] of buttons) {
      const shade = colour(-0.85 * Math.sqrt(one.effect / largest));
      button.style.background = css(shade);
      button.style.color = inkOn(shade);
      button.setAttribute('aria-pressed', one === chosen);
    }
    before.replaceChildren(h('div', { class: 'name' }, say('what_if.nothing')), barRows(f.before, 1));
    title.textContent = chosen ? `${say('what_if.without')} ${chosen.title}` : '';
    bars.replaceChildren(...(chosen ? [barRows(chosen.bars, 1)] : []));
    line.textContent = chosen ? chosen.line : '';
  }
  redraws.push(paint);
  return captioned(f.caption, h('div', { class: 'card', 'data-figure': 'switches' }, h('div', { class: 'scroll tall' }, groups),
    h('div', { class: 'compare' }, before, h('div', {}, title, bars, line))));
};

// ---- a tree of continuations ----

figures.tree = (f) => {
  const children = (parent) => f.nodes.map((node, i) => [node, i]).filter(([node]) => node.parent === parent);
  const branch = (parent) => {
    const list = children(parent);
    return list.length === 0 ? null : h('ul', {}, list.map(([node, i]) => h('li', {},
      h('span', { class: 'twig', style: { '--share': 100 * node.probability + '%' } }, h('span', { class: 'tok' }, node.label)),
      h('span', { class: 'value' }, node.shown), branch(i))));
  };
  return captioned(f.caption, h('div', { class: 'card scroll tree', 'data-figure': 'tree' }, h('span', { class: 'tok' }, f.root), branch(null)));
};
