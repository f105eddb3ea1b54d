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

// What the colours mean: from `least` to `most`, as the colours of shares from -1 (or 0) to 1.
function colourLegend(least, most) {
  const canvas = h('canvas', { width: 120, height: 1, 'aria-hidden': 'true', style: { width: '120px', height: '10px' } });
  const paint = () => {
    const context = canvas.getContext('2d');
    for (let x = 0; x < 120; ++x) {
      context.fillStyle = css(colour(least < 0 ? x / 59.5 - 1 : x / 119));
      context.fillRect(x, 0, 1, 1);
    }
  };
  redraws.push(paint);
  return h('div', { class: 'legend' }, h('span', {}, digits3(least), canvas, digits3(most)));
}

figures.heatmap = (f) => {
  const cols = f.col_labels.length, values = decimals(f.values), digits = f.values.digits;
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0), least = values.reduce((a, b) => Math.min(a, b), 0);
  const view = matrix({
    rows: f.row_labels, cols: f.col_labels, widest: 860, largest: 60, highest: 24, lowest: f.row_labels.length > 40 ? 4 : 11, sparse: false,
    share: (i, j) => largest ? values[i * cols + j] / largest : 0,
    tell: (i, j) => `${f.row_title} ${f.row_labels[i]}, ${f.col_title} ${f.col_labels[j]}: ${values[i * cols + j].toFixed(digits)}`,
  }, { 'aria-label': f.caption, 'data-figure': 'heatmap' });
  return captioned(f.caption, h('div', { class: 'card' }, view.box, colourLegend(least < 0 ? -largest : 0, largest)));
};

// ---- attention ----

// A head's numbers, unpacked when it is first looked at.
function unpacked(head, n) {
  if (head.values) return head.values;
  const scores = decimals(head.scores);
  const triangle = codes(head.weights), weights = new Float64Array(n * n), unmasked = new Float64Array(n * n);
  for (let i = 0, at = 0; i < n; ++i) for (let j = 0; j <= i; ++j) weights[i * n + j] = weightOf(triangle[at++]);
  for (let i = 0; i < n; ++i) {
    const row = scores.subarray(i * n, (i + 1) * n), most = Math.max(...row);
    const sum = row.reduce((total, score) => total + Math.exp(score - most), 0);
    row.forEach((score, j) => { unmasked[i * n + j] = Math.exp(score - most) / sum; });
  }
  const most = unmasked.reduce((a, b) => Math.max(a, b), 0);
  return head.values = { scores, weights, unmasked, most, largest: scores.reduce((most, score) => Math.max(most, Math.abs(score)), 0) };
}

const kStages = ['scores', 'masked', 'weights', 'unmasked'];

// The picture of a head at a stage: what matrix() asks for.
function headView(f, head, stage) {
  const n = f.labels.length, values = unpacked(head, n);
  const masked = (i, j) => j > i || (head.window > 0 && i - j >= head.window);
  const numbers = stage === 'masked' ? values.scores : values[stage];
  return {
    share: (i, j) => {
      if ((stage === 'masked' || stage === 'weights') && masked(i, j)) return null;
      const value = numbers[i * n + j];
      if (stage === 'weights') return Math.sqrt(value);
      return stage === 'unmasked' ? Math.sqrt(value / values.most) : values.largest ? value / values.largest : 0;
    },
    tell: (i, j) => {
      const where = say('attention.cell', `${f.labels[i]} (${i + f.first})`, `${f.labels[j]} (${j + f.first})`);
      if ((stage === 'masked' || stage === 'weights') && masked(i, j)) return `${where}: ${say('attention.masked.cell')}`;
      const value = numbers[i * n + j];
      if (stage === 'weights') return `${where}: ${digits3(value)}`;
      if (stage === 'unmasked') return `${where}: ${say('attention.approximate')} ${value.toPrecision(2)}`;
      return `${where}: ${value.toFixed(head.scores.digits)}`;
    },
  };
}

function thumbnail(f, head) {
  const n = f.labels.length, canvas = h('canvas', { width: n, height: n, style: { imageRendering: n > 44 ? 'auto' : 'pixelated' } });
  const paint = () => {
    const context = canvas.getContext('2d'), image = context.createImageData(n, n), { weights } = unpacked(head, n);
    for (let k = 0; k < n * n; ++k) {
      const [r, g, b] = colour(Math.sqrt(weights[k]));
      image.data.set([r, g, b, 255], 4 * k);
    }
    context.putImageData(image, 0, 0);
  };
  redraws.push(paint);
  return canvas;
}

figures.attention = (f) => {
  const layers = [...new Set(f.heads.map((head) => head.layer))];
  const index = () => Math.max(0, f.heads.findIndex((head) => head.layer === state.layer && head.head === state.head));
  change({ layer: f.heads[f.chosen].layer, head: f.heads[f.chosen].head, stage: f.without_mask ? 'unmasked' : 'weights' });

  const buttons = f.heads.map((head) => h('button', { role: 'option', title: say('attention.large', head.layer, head.head),
    'aria-label': say('attention.large', head.layer, head.head), class: head.new_group ? 'newgroup' : '',
    onclick: () => change({ layer: head.layer, head: head.head }) }, thumbnail(f, head)));
  const rows = layers.map((layer) => h('div', { class: 'layerrow' }, h('div', { class: 'name' }, say('layer.n', layer)),
    h('div', { class: 'thumbs' }, buttons.filter((_, i) => f.heads[i].layer === layer))));
  const perLayer = f.heads.filter((head) => head.layer === layers[0]).length;
  const all = h('div', { class: 'layers' + (perLayer <= 4 ? ' few' : ''), role: 'listbox', 'aria-label': say('attention.all') }, rows);
  arrows(all, perLayer, (i) => change({ layer: f.heads[i].layer, head: f.heads[i].head }));

  let view = headView(f, f.heads[index()], state.stage);
  const large = matrix({ rows: f.labels, cols: f.labels, widest: 620, largest: 44, share: (i, j) => view.share(i, j), tell: (i, j) => view.tell(i, j),
    chosenRow: () => state.token, onchoose: (i) => change({ token: i }) }, { 'data-figure': 'attention', 'aria-label': say('attention.title') });
  const title = h('div', { class: 'subhead' }), note = h('p', {}), facts = h('div');
  const stages = kStages.map((stage) => h('button', { role: 'radio', class: stage === 'unmasked' ? 'unreal' : '', 'data-stage': stage,
    onclick: () => change({ stage }) }, say('attention.' + stage)));
  const choice = h('div', { class: 'stages', role: 'radiogroup', 'aria-label': say('attention.stage') }, stages);
  arrows(choice, stages.length, (i) => change({ stage: kStages[i] }));

  watch(({ stage }) => {
    const head = f.heads[index()];
    view = headView(f, head, stage);
    title.textContent = say('attention.large', head.layer, head.head);
    note.textContent = say(`attention.${stage}.note`);
    note.className = stage === 'unmasked' ? 'warning' : '';
    facts.replaceChildren(h('div', { class: 'subhead' }, say('attention.measured')), factList(head.facts.map((value, i) => [f.fact_names[i], value])));
    buttons.forEach((button, i) => {
      button.setAttribute('aria-selected', f.heads[i] === head);
      button.tabIndex = f.heads[i] === head ? 0 : -1;
    });
    stages.forEach((button, i) => {
      button.setAttribute('aria-checked', kStages[i] === stage);
      button.tabIndex = kStages[i] === stage ? 0 : -1;
    });
    if (large.canvas.isConnected) large.refresh();
  });
  return h('figure', {}, h('figcaption', {}, say('attention.all')), h('div', { class: 'card scroll tall' }, all), title, choice, note,
    h('div', { class: 'card side' }, large.box, facts));
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
  const paint = () => {
    const context = canvas.getContext('2d'), image = context.createImageData(n, n), values = unpackedUnit(unit, n);
    for (let k = 0; k < n * n; ++k) image.data.set([...colour(unitShare(values, k)), 255], 4 * k);
    context.putImageData(image, 0, 0);
  };
  redraws.push(paint);
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
  const all = h('div', { class: 'layers' + (perLayer <= 4 ? ' few' : ''), role: 'listbox', 'aria-label': say('memory.all') }, rows);
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
  return h('figure', {}, h('figcaption', {}, say('memory.all')), h('div', { class: 'card scroll tall' }, all), title,
    h('p', {}, say('memory.large.note')), h('div', { class: 'card side' }, large.box, facts));
};
