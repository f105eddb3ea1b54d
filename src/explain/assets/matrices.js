// Matrices as colours on a canvas: heatmaps, and attention.

// A matrix that can be pointed at and walked through by arrow keys. `m`: rows, cols (labels), share(i, j) from -1 to 1 or
// null for a cell that is crossed out, tell(i, j): a sentence; chosenRow(): a row to mark.
function matrix(m, properties) {
  const canvas = h('canvas', { tabindex: 0, role: 'img', ...properties });
  const readout = h('p', { class: 'readout', 'aria-live': 'polite' });
  const box = h('div', {}, canvas, readout);
  let place, cursor = null;

  function layout() {
    const width = Math.min(box.clientWidth || 300, m.widest ?? 640), context = canvas.getContext('2d');
    const rows = m.rows.length, cols = m.cols.length;
    context.font = '11px ' + getComputedStyle(document.body).fontFamily;
    const longest = (labels) => Math.max(...labels.map((label) => context.measureText(label).width));
    const left = Math.min(longest(m.rows) + 8, width * 0.27, 120);
    const cell = Math.min((width - left) / cols, m.largest ?? 26);
    const top = cell >= 10 ? Math.min(longest(m.cols) + 8, 90) : 14;
    const high = Math.max(Math.min(cell, m.highest ?? cell), m.lowest ?? 3);
    return { left, top, cell, high, width: left + cell * cols + 1, height: top + high * rows + 1 };
  }

  function paint() {
    place = layout();
    const scale = devicePixelRatio || 1, { left, top, cell, high } = place;
    canvas.width = Math.round(place.width * scale);
    canvas.height = Math.round(place.height * scale);
    canvas.style.width = place.width + 'px';
    canvas.style.height = place.height + 'px';
    const context = canvas.getContext('2d');
    context.scale(scale, scale);
    const gap = cell > 7 ? 1 : 0;
    for (let i = 0; i < m.rows.length; ++i) {
      for (let j = 0; j < m.cols.length; ++j) {
        const share = m.share(i, j), x = left + j * cell, y = top + i * high;
        if (share === null) {
          context.strokeStyle = css(palette.line);
          context.beginPath();
          context.moveTo(x + 1, y + high - 1);
          context.lineTo(x + cell - 1, y + 1);
          context.stroke();
          continue;
        }
        context.fillStyle = css(colour(Math.abs(share) < 0.03 ? 0.03 : share));  // so that a cell shows at all
        context.fillRect(x, y, cell - gap, high - gap);
      }
    }
    labels(context);
    outline(context);
  }

  function labels(context) {
    const { left, top, cell, high } = place, chosen = m.chosenRow ? m.chosenRow() : -1;
    context.font = '11px ' + getComputedStyle(document.body).fontFamily;
    context.textBaseline = 'middle';
    const step = Math.max(1, Math.ceil(11 / high)), wide = Math.max(1, Math.ceil(11 / cell));
    m.rows.forEach((label, i) => {
      if (i % step && i !== chosen) return;
      context.fillStyle = css(i === chosen ? palette.high : palette.soft);
      context.textAlign = 'right';
      context.fillText(clip(context, label, left - 8), left - 6, top + (i + 0.5) * high);
    });
    context.fillStyle = css(palette.soft);
    context.textAlign = 'left';
    m.cols.forEach((label, j) => {
      if (cell < 10 && !m.sparse) return;
      if (j % wide) return;
      context.save();
      context.translate(left + (j + 0.5) * cell, top - 5);
      if (cell >= 10) context.rotate(-Math.PI / 2);
      context.fillText(clip(context, label, 84), 0, 0);
      context.restore();
    });
  }

  function clip(context, text, width) {
    if (context.measureText(text).width <= width) return text;
    let short = [...text];
    while (short.length > 1 && context.measureText(short.join('') + '…').width > width) short.pop();
    return short.join('') + '…';
  }

  function outline(context) {
    const { left, top, cell, high } = place, chosen = m.chosenRow ? m.chosenRow() : -1;
    context.lineWidth = 1.5;
    if (chosen >= 0) {
      context.strokeStyle = css(palette.high);
      context.strokeRect(left - 0.5, top + chosen * high - 0.5, cell * m.cols.length, high);
    }
    if (cursor) {
      context.strokeStyle = css(palette.mark);
      context.lineWidth = 2;
      context.strokeRect(left + cursor[1] * cell - 0.5, top + cursor[0] * high - 0.5, cell, high);
    }
  }

  function cellAt(event) {
    const bounds = canvas.getBoundingClientRect();
    const j = Math.floor((event.clientX - bounds.left - place.left) / place.cell);
    const i = Math.floor((event.clientY - bounds.top - place.top) / place.high);
    return i >= 0 && j >= 0 && i < m.rows.length && j < m.cols.length ? [i, j] : null;
  }
  function choose(cell) {
    cursor = cell;
    readout.textContent = m.tell(...cell);
    if (m.onchoose) m.onchoose(...cell);
    paint();
  }
  canvas.addEventListener('pointermove', (event) => {
    const cell = cellAt(event);
    if (!cell) return hideTip();
    showTip(m.tell(...cell), event.clientX, event.clientY);
    readout.textContent = m.tell(...cell);
  });
  canvas.addEventListener('pointerleave', hideTip);
  canvas.addEventListener('click', (event) => { const cell = cellAt(event); if (cell) choose(cell); });
  canvas.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    const from = cursor ?? [m.chosenRow ? m.chosenRow() : 0, -step[1]];
    const clamp = (value, n) => Math.max(0, Math.min(n - 1, value));
    choose([clamp(from[0] + step[0], m.rows.length), clamp(from[1] + step[1], m.cols.length)]);
  });
  redraws.push(paint);
  return { box, paint, canvas, cellCentre: (i, j) => [place.left + (j + 0.5) * place.cell, place.top + (i + 0.5) * place.high],
    refresh: () => { if (cursor) readout.textContent = m.tell(...cursor); paint(); } };
}

// What the colours mean. `share`: from a number to its colour's share; `ticks`: numbers that are written below; `sentence`:
// how the colour grows.
function colourLegend({ least, most, share, ticks, sentence }) {
  const width = 200, canvas = h('canvas', { width, height: 1, 'aria-hidden': 'true', style: { width: '100%', height: '10px' } });
  const label = h('span', {}), marks = h('div', { class: 'ticks' });
  let now = { least, most, share, ticks };
  const place = (value) => (now.least < 0 ? 0.5 + now.share(value) / 2 : now.share(value));
  const paint = () => {
    const context = canvas.getContext('2d');
    for (let x = 0; x < width; ++x) {
      const at = x / (width - 1);
      context.fillStyle = css(colour(now.least < 0 ? 2 * at - 1 : at));
      context.fillRect(x, 0, 1, 1);
    }
    marks.replaceChildren(...now.ticks.map((tick) => h('span', { style: { left: 100 * place(tick) + '%' } }, String(tick))));
  };
  label.textContent = sentence;
  redraws.push(paint);
  return { box: h('div', { class: 'scale' }, h('div', { class: 'ramp' }, canvas, marks), label),
    set: (next, text) => { now = next; label.textContent = text; paint(); } };
}

// As Heatmap::shade() says.
function shadeOf(scale, largest, least) {
  if (scale === 'root') return (value) => Math.sqrt(Math.min(1, Math.max(0, value)));
  if (scale === 'signed_root') return (value) => (largest ? Math.sign(value) * Math.sqrt(Math.abs(value) / largest) : 0);
  if (scale !== 'logarithmic') return (value) => (largest ? value / largest : 0);
  const range = Math.log(largest / least);
  return (value) => (value <= 0 ? 0 : range > 0 ? 0.06 + 0.94 * Math.log(value / least) / range : 1);
}

const kRootTicks = [0, 0.01, 0.1, 0.3, 0.6, 1];

figures.heatmap = (f) => {
  const cols = f.col_labels.length, values = f.values.list ? Float64Array.from(f.values.list) : decimals(f.values);
  const write = (value) => (f.values.list ? digits3(value) : value.toFixed(f.values.digits));
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0), lowest = values.reduce((a, b) => Math.min(a, b), 0);
  const least = values.reduce((low, value) => (value > 0 && value < low ? value : low), largest || 1);
  const share = shadeOf(f.scale, largest, least);
  const view = matrix({
    rows: f.row_labels, cols: f.col_labels, widest: 860, largest: 60, highest: 24, lowest: f.row_labels.length > 40 ? 4 : 11, sparse: false,
    share: (i, j) => share(values[i * cols + j]),
    tell: (i, j) => `${f.row_title} ${f.row_labels[i]}, ${f.col_title} ${f.col_labels[j]}: ${write(values[i * cols + j])}`,
  }, { 'aria-label': f.caption, 'data-figure': 'heatmap' });
  const ticks = f.scale === 'root' ? kRootTicks : f.scale === 'logarithmic' ? [least, Math.sqrt(least * largest), largest].map(digits3)
    : lowest < 0 ? [digits3(-largest), 0, digits3(largest)] : [0, digits3(largest)];
  const legend = colourLegend({ least: lowest < 0 ? -largest : 0, most: largest, share, ticks, sentence: say('page.colour.' + f.scale) });
  return captioned(f.caption, h('div', { class: 'card' }, view.box, legend.box));
};

// ---- attention ----

// All heads have their weights coarsely; some have all their numbers (html.cpp's add_details).
function coarseWeights(f, head) {
  if (head.coarse) return head.coarse;
  const n = f.labels.length, m = Math.ceil(n / f.block), cells = new Float64Array(m * m), weights = new Float64Array(n * n);
  for (let i = 0, at = 0; i < m; ++i) for (let j = 0; j < (f.both_sides ? m : i + 1); ++j) cells[i * m + j] = kCoarse[kDigit.get(head.weights[at++])];
  for (let i = 0; i < n; ++i) {
    for (let j = 0; j < (f.both_sides ? n : i + 1); ++j) weights[i * n + j] = cells[Math.floor(i / f.block) * m + Math.floor(j / f.block)];
  }
  return head.coarse = weights;
}

// A head's numbers, unpacked when it is first looked at.
function unpacked(f, head) {
  if (head.values) return head.values;
  const n = f.labels.length, detail = f.details[f.heads.indexOf(head)], lengths = f.lengths[head.cache], longest = Math.max(...lengths, 1e-30);
  const values = { exact: Boolean(detail), weights: coarseWeights(f, head), lengths, longest };
  if (detail) {
    const triangle = codes(detail.weights);
    values.weights = new Float64Array(n * n);
    for (let i = 0, at = 0; i < n; ++i) for (let j = 0; j < (f.both_sides ? n : i + 1); ++j) values.weights[i * n + j] = weightOf(triangle[at++]);
    values.scores = decimals(detail.scores);
    values.largest = values.scores.reduce((most, score) => Math.max(most, Math.abs(score)), 0);
    values.unmasked = new Float64Array(n * n);
    for (let i = 0; i < n; ++i) {
      const row = values.scores.subarray(i * n, (i + 1) * n), most = Math.max(...row);
      const sum = row.reduce((total, score) => total + Math.exp(score - most), 0);
      row.forEach((score, j) => { values.unmasked[i * n + j] = Math.exp(score - most) / sum; });
    }
    values.most = values.unmasked.reduce((a, b) => Math.max(a, b), 0);
    values.q = decimals(detail.q);
    values.k = decimals(f.caches[head.cache].k);
    values.v = decimals(f.caches[head.cache].v);
    values.width = values.q.length / n;
  }
  values.valued = values.weights.map((weight, at) => weight * lengths[at % n] / longest);
  return head.values = values;
}

const kStages = ['scores', 'masked', 'weights', 'valued', 'unmasked'];
const kExactStages = ['scores', 'masked', 'unmasked'], kMaskedStages = ['masked', 'weights', 'valued'];

// The picture of a head at a stage: what matrix() asks for.
function headView(f, head, stage) {
  const n = f.labels.length, values = unpacked(f, head);
  const outside = (i, j) => head.window > 0 && (f.both_sides ? Math.abs(i - j) > head.window : i - j >= head.window);
  const masked = (i, j) => (!f.both_sides && j > i) || outside(i, j);
  const crossed = (i, j) => kMaskedStages.includes(stage) && masked(i, j);
  const numbers = stage === 'masked' ? values.scores : values[stage];
  return {
    share: (i, j) => {
      if (crossed(i, j)) return null;
      const value = numbers[i * n + j];
      if (stage === 'weights' || stage === 'valued') return Math.sqrt(Math.min(1, value));
      return stage === 'unmasked' ? Math.sqrt(value / values.most) : values.largest ? value / values.largest : 0;
    },
    tell: (i, j) => {
      const where = say('attention.cell', `${f.labels[i]} (${i + f.first})`, `${f.labels[j]} (${j + f.first})`);
      if (crossed(i, j)) return `${where}: ${say('attention.masked.cell')}`;
      const value = numbers[i * n + j];
      if (stage === 'unmasked') return `${where}: ${say('attention.approximate')} ${value.toPrecision(2)}`;
      if (kExactStages.includes(stage)) return `${where}: ${value.toFixed(f.details[f.heads.indexOf(head)].scores.digits)}`;
      return values.exact ? `${where}: ${digits3(value)}` : `${where}: ${say('attention.approximate')} ${value.toPrecision(2)}`;
    },
    legend: () => {
      const root = (most) => ({ least: 0, most, share: (value) => Math.sqrt(value / most), ticks: kRootTicks.filter((tick) => tick <= most) });
      if (stage === 'weights' || stage === 'valued') return [root(1), say('page.colour.root')];
      if (stage === 'unmasked') return [root(values.most), say('page.colour.root')];
      const largest = values.largest || 1;
      return [{ least: -largest, most: largest, share: (value) => value / largest, ticks: [digits3(-largest), 0, digits3(largest)] }, say('page.colour.diverging')];
    },
  };
}

function thumbnail(f, head) {
  const n = f.labels.length, canvas = h('canvas', { width: n, height: n, style: { imageRendering: n > 44 ? 'auto' : 'pixelated' } });
  paintInSight(canvas, () => {
    const context = canvas.getContext('2d'), image = context.createImageData(n, n), weights = coarseWeights(f, head);
    const ramp = Array.from({ length: 91 }, (_, code) => [...colour(Math.sqrt(kCoarse[code])), 255]);
    const shade = new Map(Array.from(kCoarse, (weight, code) => [weight, ramp[code]]));
    for (let k = 0; k < n * n; ++k) image.data.set(shade.get(weights[k]), 4 * k);
    context.putImageData(image, 0, 0);
  });
  return canvas;
}

// Numbers side by side as colours; largest: what is drawn strongest.
function vectorRow(label, values, largest, shown) {
  const canvas = h('canvas', { height: 1, role: 'img', 'aria-label': label });
  const paint = () => {
    canvas.width = values.length;
    const context = canvas.getContext('2d');
    values.forEach((value, i) => {
      context.fillStyle = css(colour(largest ? value / largest : 0));
      context.fillRect(i, 0, 1, 1);
    });
  };
  paint();
  const at = (event) => {
    const bounds = canvas.getBoundingClientRect();
    return Math.max(0, Math.min(values.length - 1, Math.floor((event.clientX - bounds.left) / bounds.width * values.length)));
  };
  canvas.addEventListener('pointermove', (event) => showTip(`${label}\n${at(event)}: ${digits3(values[at(event)])}`, event.clientX, event.clientY));
  canvas.addEventListener('pointerleave', hideTip);
  return [h('div', { class: 'label tok', title: label }, label), canvas, h('div', { class: 'value' }, shown ?? '')];
}
const sizeOf = (...vectors) => vectors.reduce((most, values) => values.reduce((m, value) => Math.max(m, Math.abs(value)), most), 0);

// q, k and v of a pair of tokens, and the weighted sum of the row.
function pairCard(f, head, row, col) {
  const values = unpacked(f, head), n = f.labels.length, d = values.width;
  const name = (i) => `${f.labels[i]} (${i + f.first})`;
  const vector = (all, i) => Array.from(all.subarray(i * d, (i + 1) * d));
  const q = vector(values.q, row), k = vector(values.k, col), product = q.map((value, i) => value * k[i]);
  const sum = product.reduce((total, value) => total + value, 0), weight = values.weights[row * n + col];
  const lines = [say('attention.pair.sum', digits3(sum), digits3(head.scale), digits3(sum * head.scale))];
  if (head.adjusted) lines.push(say('attention.pair.score', values.scores[row * n + col].toFixed(2)));
  lines.push(say('attention.pair.weight', digits3(weight)));
  const order = Array.from({ length: n }, (_, j) => j).sort((a, b) => values.weights[row * n + b] - values.weights[row * n + a]);
  const best = order.slice(0, 4).filter((j) => values.weights[row * n + j] > 0);
  const taken = (j) => vector(values.v, j).map((value) => value * values.weights[row * n + j]);
  const result = Array.from({ length: d }, (_, i) => values.weights.subarray(row * n, (row + 1) * n).reduce((total, w, j) => total + w * values.v[j * d + i], 0));
  const rest = result.map((value, i) => value - best.reduce((total, j) => total + values.weights[row * n + j] * values.v[j * d + i], 0));
  const left = 1 - best.reduce((total, j) => total + values.weights[row * n + j], 0), strongest = sizeOf(result, ...best.map(taken));
  return [h('div', { class: 'subhead' }, say('attention.pair')),
    h('div', { class: 'vectors' }, vectorRow(say('attention.pair.query', name(row)), q, sizeOf(q, k)), vectorRow(say('attention.pair.key', name(col)), k, sizeOf(q, k)),
      vectorRow(say('attention.pair.product'), product, sizeOf(product))),
    lines.map((line) => h('p', { class: 'readout' }, line)),
    h('div', { class: 'subhead' }, say('attention.sum')),
    h('div', { class: 'vectors' }, best.map((j) => vectorRow(say('attention.sum.value', digits3(values.weights[row * n + j]), name(j)), taken(j), strongest)),
      best.length < n && left > 5e-4 && !head.sink ? vectorRow(say('attention.sum.others', digits3(left)), rest, strongest) : [],
      vectorRow(say('attention.sum.result'), result, strongest))];
}

figures.attention = (f) => {
  const layers = [...new Set(f.heads.map((head) => head.layer))];
  const index = () => Math.max(0, f.heads.findIndex((head) => head.layer === state.layer && head.head === state.head));
  change({ layer: f.heads[f.chosen].layer, head: f.heads[f.chosen].head, stage: f.without_mask && !f.both_sides ? 'unmasked' : 'weights' });

  const named = (head) => {
    const name = say('attention.large', head.layer, head.head);
    return head.kind === 'kind.mixed' ? name : say('attention.named', name, say(head.kind));
  };
  const marks = { 'kind.previous_token': '←', 'kind.first_token': '⇤', 'kind.own_token': '=', 'kind.induction': '↺' };
  const buttons = f.heads.map((head) => h('button', { role: 'option', title: named(head), 'data-mark': marks[head.kind],
    'data-head': `${head.layer}.${head.head}`, 'aria-label': named(head), class: head.new_group ? 'newgroup' : '',
    onclick: () => change({ layer: head.layer, head: head.head }) }, thumbnail(f, head)));
  const rows = layers.map((layer) => h('div', { class: 'layerrow' }, h('div', { class: 'name' }, say('layer.n', layer)),
    h('div', { class: 'thumbs' }, buttons.filter((_, i) => f.heads[i].layer === layer))));
  const perLayer = f.heads.filter((head) => head.layer === layers[0]).length;
  const size = perLayer <= 4 ? 'few' : perLayer <= 9 ? 'some' : 'many';
  const all = h('div', { class: `layers ${size}`, role: 'listbox', 'aria-label': say('attention.all') }, rows);
  arrows(all, perLayer, (i) => change({ layer: f.heads[i].layer, head: f.heads[i].head }));
  const examples = h('div', { class: 'stages' }, f.examples.map(({ kind, head, share }) => h('button', { type: 'button', 'data-example': kind,
    onclick: () => change({ layer: f.heads[head].layer, head: f.heads[head].head, stage: 'weights' }) },
    `${marks[kind]} ${say('attention.best', say(kind), f.heads[head].layer, f.heads[head].head, share)}`)));

  let view = headView(f, f.heads[index()], state.stage), column = null;
  const large = matrix({ rows: f.labels, cols: f.labels, widest: 620, largest: 44, share: (i, j) => view.share(i, j), tell: (i, j) => view.tell(i, j),
    chosenRow: () => state.token, onchoose: (i, j) => { column = j; change({ token: i }); tellPair(); } }, { 'data-figure': 'attention', 'aria-label': say('attention.title') });
  const title = h('div', { class: 'subhead' }), note = h('p', {}), facts = h('div'), pair = h('div', { class: 'pair', 'aria-live': 'polite' });
  const legend = colourLegend({ ...view.legend()[0], sentence: view.legend()[1] });
  const known = kStages.filter((stage) => !f.both_sides || !['masked', 'unmasked'].includes(stage));
  const stages = known.map((stage) => h('button', { role: 'radio', class: stage === 'unmasked' ? 'unreal' : '', 'data-stage': stage,
    onclick: () => change({ stage }) }, say('attention.' + stage)));
  const choice = h('div', { class: 'stages', role: 'radiogroup', 'aria-label': say('attention.stage') }, stages);
  arrows(choice, stages.length, (i) => { if (!stages[i].disabled) change({ stage: known[i] }); });

  // The column that was chosen, or that the row looks at most.
  function tellPair() {
    const head = f.heads[index()], values = unpacked(f, head), n = f.labels.length, row = Math.min(state.token, n - 1);
    if (!values.exact) return pair.replaceChildren(h('p', { class: 'readout' }, say('attention.no_detail')));
    const weights = values.weights.subarray(row * n, (row + 1) * n);
    const seen = column !== null && (f.both_sides || column <= row);
    pair.replaceChildren(...pairCard(f, head, row, seen ? column : weights.indexOf(Math.max(...weights))).flat(Infinity));
  }
  function noteOf(stage, head) {
    if (f.both_sides && stage === 'weights') return say('attention.weights.note') + ' ' + say('attention.both.note');
    return say(stage === 'weights' && head.sink ? 'attention.weights.sinks' : `attention.${stage}.note`);
  }
  watch(({ stage }) => {
    const head = f.heads[index()], exact = unpacked(f, head).exact, shown = exact || !kExactStages.includes(stage) ? stage : 'weights';
    view = headView(f, head, shown);
    title.textContent = named(head);
    note.textContent = exact ? noteOf(shown, head) : say('attention.no_detail');
    note.className = shown === 'unmasked' ? 'warning' : '';
    facts.replaceChildren(h('div', { class: 'subhead' }, say('attention.measured')), factList(head.facts.map((value, i) => [f.fact_names[i], value])));
    buttons.forEach((button, i) => {
      button.setAttribute('aria-selected', f.heads[i] === head);
      button.tabIndex = f.heads[i] === head ? 0 : -1;
    });
    stages.forEach((button, i) => {
      button.disabled = !exact && kExactStages.includes(known[i]);
      button.setAttribute('aria-checked', known[i] === shown);
      button.tabIndex = known[i] === shown ? 0 : -1;
    });
    legend.set(...view.legend());
    tellPair();
    if (large.canvas.isConnected) large.refresh();
  });
  redraws.push(tellPair);
  return h('figure', { class: 'attention' }, h('figcaption', {}, say('attention.all')), examples,
    h('div', { class: 'look' }, h('div', { class: 'card scroll gallery' }, all),
      h('div', { class: 'large' }, title, choice, note, h('div', { class: 'card' }, large.box, legend.box))),
    h('div', { class: 'card side' }, pair, facts));
};

// ---- hidden attention ----

// A unit's lower triangle, unpacked when it is first looked at.
function unpackedUnit(unit, n) {
  if (unit.values) return unit.values;
  const triangle = decimals(unit.weights), weights = new Float64Array(n * n);
  for (let i = 0, at = 0; i < n; ++i) for (let j = 0; j <= i; ++j) weights[i * n + j] = triangle[at++];
  return unit.values = { weights, largest: triangle.reduce((most, value) => Math.max(most, Math.abs(value)), 0) };
}

// Small values show: the colour is the root of the share of the largest.
function unitShare({ weights, largest }, at) {
  return largest ? Math.sign(weights[at]) * Math.sqrt(Math.abs(weights[at]) / largest) : 0;
}

function unitThumbnail(f, unit) {
  const n = f.labels.length, canvas = h('canvas', { width: n, height: n, style: { imageRendering: n > 44 ? 'auto' : 'pixelated' } });
  paintInSight(canvas, () => {
    const context = canvas.getContext('2d'), image = context.createImageData(n, n), values = unpackedUnit(unit, n);
    for (let k = 0; k < n * n; ++k) image.data.set([...colour(unitShare(values, k)), 255], 4 * k);
    context.putImageData(image, 0, 0);
  });
  return canvas;
}

figures.memory = (f) => {
  const n = f.labels.length, layers = [...new Set(f.units.map((unit) => unit.layer))];
  let chosen = f.chosen;
  const buttons = f.units.map((unit, i) => h('button', { role: 'option', title: unit.title, 'aria-label': unit.title,
    onclick: () => choose(i) }, unitThumbnail(f, unit)));
  const rows = layers.map((layer) => h('div', { class: 'layerrow' }, h('div', { class: 'name' }, say('layer.n', layer)),
    h('div', { class: 'thumbs' }, buttons.filter((_, i) => f.units[i].layer === layer))));
  const perLayer = f.units.filter((unit) => unit.layer === layers[0]).length;
  const all = h('div', { class: 'layers ' + (perLayer <= 4 ? 'few' : perLayer <= 9 ? 'some' : 'many'), role: 'listbox', 'aria-label': say('memory.all') }, rows);
  arrows(all, perLayer, (i) => choose(i));

  const values = () => unpackedUnit(f.units[chosen], n);
  const large = matrix({
    rows: f.labels, cols: f.labels, widest: 620, largest: 44, chosenRow: () => state.token, onchoose: (i) => change({ token: i }),
    share: (i, j) => (j > i ? null : unitShare(values(), i * n + j)),
    tell: (i, j) => {
      const where = say('memory.cell', `${f.labels[i]} (${i + f.first})`, `${f.labels[j]} (${j + f.first})`);
      return `${where}: ${j > i ? say('attention.masked.cell') : digits3(values().weights[i * n + j])}`;
    },
  }, { 'data-figure': 'memory', 'aria-label': say('memory.all') });
  const title = h('div', { class: 'subhead' }), facts = h('div');
  function choose(i) {
    chosen = i;
    const unit = f.units[i];
    title.textContent = unit.title;
    facts.replaceChildren(h('div', { class: 'subhead' }, say('memory.measured')), factList(unit.facts.map((value, k) => [f.fact_names[k], value])));
    buttons.forEach((button, k) => {
      button.setAttribute('aria-selected', k === i);
      button.tabIndex = k === i ? 0 : -1;
    });
    if (large.canvas.isConnected) large.refresh();
  }
  choose(chosen);
  watch(() => { if (large.canvas.isConnected) large.refresh(); });
  return h('figure', { class: 'attention' }, h('figcaption', {}, say('memory.all')),
    h('div', { class: 'look' }, h('div', { class: 'card scroll gallery' }, all),
      h('div', { class: 'large' }, title, h('p', {}, say('memory.large.note')), h('div', { class: 'card' }, large.box, facts))));
};
