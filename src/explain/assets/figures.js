// One function a kind of figure: data in, an element out.
const figures = {};

figures.paragraph = (f) => h('p', { class: f.style }, f.text);

figures.strip = (f) => {
  const facts = h('div', { 'aria-live': 'polite' });
  const buttons = f.tokens.map((token, i) => h('button', {
    role: 'option', class: [token.special && 'special', token.generated && 'generated'].filter(Boolean).join(' '),
    'data-position': i, onclick: () => change({ token: i }), onpointermove: moved(() => change({ token: i })) }, token.label));
  const strip = h('div', { class: 'strip', role: 'listbox', 'aria-label': say('token'), 'aria-orientation': 'horizontal' }, buttons);
  arrows(strip, buttons.length, (i) => change({ token: i }));
  watch(({ token }) => {
    buttons.forEach((button, i) => {
      button.setAttribute('aria-selected', i === token);
      button.tabIndex = i === token ? 0 : -1;
    });
    facts.replaceChildren(factList(f.tokens[token].facts));
  });
  return h('div', { class: 'card' }, strip, facts);
};

figures.table = (f) => {
  const cell = (tag, i, text) => h(tag, { class: f.numeric[i] ? 'number' : undefined, scope: tag === 'th' ? 'col' : undefined }, text);
  // On a narrow screen a row becomes a block of lines, each with its column's title.
  const rows = f.rows.map((row) => h('tr', {}, row.map((text, i) => h('td', { class: f.numeric[i] ? 'number' : undefined,
    'data-head': f.head[i] }, text))));
  const table = h('table', {}, h('thead', {}, h('tr', {}, f.head.map((text, i) => cell('th', i, text)))), h('tbody', {}, rows));
  if (f.positions.length) {
    watch(({ token }) => rows.forEach((row, i) => row.classList.toggle('chosen', f.positions[i] === token + data.from)));
  }
  const box = h('div', { class: 'card scroll tablebox' + (rows.length > 14 ? ' tall' : ''), tabindex: 0, role: 'region',
    'aria-label': f.caption || f.head.join(', ') }, table);
  return captioned(f.caption, box);
};

function captioned(caption, ...children) {
  return h('figure', {}, caption ? h('figcaption', {}, caption) : null, children);
}

// Bars of either sign: below 0 they grow to the left of a common line.
function barRows(bars, largest) {
  const below = bars.some((bar) => bar.value < 0);
  return h('div', { class: 'bars' }, bars.flatMap((bar) => {
    const share = largest > 0 ? Math.abs(bar.value) / largest * (below ? 50 : 100) : 0;
    const left = !below ? 0 : bar.value < 0 ? 50 - share : 50;
    const track = h('div', { class: 'track' + (below ? ' signed' : '') }, h('div', { class: 'fill' + (bar.marked ? ' marked' : '') + (bar.value < 0 ? ' below' : ''),
      style: { width: share + '%', marginLeft: left + '%' } }));
    if (bar.note) tipped(track, () => `${bar.label}  ${bar.shown}\n${bar.note}`);
    return [h('div', { class: 'label tok' + (bar.gone ? ' gone' : ''), title: bar.label }, bar.label), track, h('div', { class: 'value' }, bar.shown)];
  }));
}
function largestOf(bars) { return bars.reduce((most, bar) => Math.max(most, Math.abs(bar.value)), 0); }

// Bars about the tokens of the text become the text itself; the longer the bar, the stronger the colour.
figures.bars = (f) => {
  const largest = largestOf(f.bars);
  if (!f.by_position) return captioned(f.caption, h('div', { class: 'card' }, barRows(f.bars, largest)));
  const readout = h('p', { class: 'readout', 'aria-live': 'polite' });
  const buttons = f.bars.map((bar, i) => h('button', { role: 'option', class: bar.marked ? 'marked' : '', onclick: () => change({ token: i }),
    onpointermove: moved(() => change({ token: i })) }, bar.label));
  const text = h('div', { class: 'heat', role: 'listbox', 'aria-label': f.caption }, buttons);
  arrows(text, buttons.length, (i) => change({ token: i }));
  watch(({ token }) => {
    buttons.forEach((button, i) => {
      const shade = colour(largest > 0 ? 0.85 * f.bars[i].value / largest : 0);
      button.style.background = css(shade);
      button.style.color = inkOn(shade);
      button.setAttribute('aria-selected', i === token);
      button.tabIndex = i === token ? 0 : -1;
    });
    const bar = f.bars[Math.min(token, f.bars.length - 1)];
    readout.replaceChildren(h('b', { class: 'tok' }, bar.label), `  ${bar.shown}  ${bar.note}`);
  });
  return captioned(f.caption, h('div', { class: 'card' }, text, readout));
};

// Cells are packed as html.cpp's json_of(CellGrid) says.
function unpackCell(f, [text, shade, marked, ...facts], column) {
  const list = [];
  for (let i = 0; i < facts.length; i += 2) list.push([f.strings[facts[i]], facts[i + 1]]);
  return { text: f.strings[text], shade, marked: marked === 1, facts: [...list, ...f.col_facts[column]] };
}

figures.grid = (f) => {
  const columns = f.col_labels.length, readout = h('div', { 'aria-live': 'polite' });
  const cells = f.cells.map((cell, i) => unpackCell(f, cell, i % columns));
  let chosen = 0;
  const choose = (i) => { chosen = i; change({ token: i % columns }); mark(); };
  const buttons = cells.map((cell, i) => h('button', { class: cell.marked ? 'marked' : '', onclick: () => choose(i),
    onpointermove: moved(() => choose(i)) }, cell.text));
  const heads = f.col_labels.map((label) => h('th', { scope: 'col' }, label));
  const body = f.row_labels.map((label, r) => h('tr', {}, h('th', { scope: 'row' }, label),
    buttons.slice(r * columns, (r + 1) * columns).map((button) => h('td', {}, button))));
  const table = h('table', { class: 'lens' }, h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, f.row_title), heads)), h('tbody', {}, body));
  arrows(table, columns, choose);
  function mark() {
    buttons.forEach((button, i) => {
      const shade = colour(0.9 * Math.sqrt(cells[i].shade));
      button.style.background = css(shade);
      button.style.color = inkOn(shade);
      button.setAttribute('aria-selected', i === chosen);
      button.tabIndex = i === chosen ? 0 : -1;
    });
    heads.forEach((head, i) => head.classList.toggle('chosen', i === state.token));
    const where = h('p', { class: 'readout' }, say('layer.n', f.row_labels[Math.floor(chosen / columns)]) + ', ',
      h('b', { class: 'tok' }, f.col_labels[chosen % columns]), ' →');
    readout.replaceChildren(where, factList(cells[chosen].facts));
  }
  watch(({ token }) => { chosen = chosen - chosen % columns + token; mark(); });
  return captioned(f.caption, h('div', { class: 'card' }, h('div', { class: 'scroll tall' }, table), readout));
};

figures.steps = (f) => {
  const list = f.steps.map((step) => {
    const largest = largestOf(step.bars);
    const gone = step.dropped.flatMap((bar, i) => [i ? ', ' : '', h('s', { class: 'tok' }, bar.label), ' ' + bar.shown]);
    return h('li', { class: step.active ? '' : 'off' }, h('span', { class: 'what' }, step.title), h('span', { class: 'line' }, step.line),
      step.bars.length ? barRows(step.bars, largest) : null, gone.length ? h('p', { class: 'gone' }, say('output.gone') + ': ', gone) : null);
  });
  const line = f.number < 0 ? null : h('div', { class: 'drawline', role: 'img', 'aria-label': f.draw_line },
    h('i', { style: { left: 100 * f.from + '%', width: 100 * (f.to - f.from) + '%' } }), h('b', { style: { left: 100 * f.number + '%' } }));
  list.push(h('li', {}, h('span', { class: 'what' }, f.draw_title), h('span', { class: 'line' }, f.draw_line), line));
  return h('figure', {}, h('div', { class: 'card' }, h('ol', { class: 'steps' }, list)));
};

const svgElement = (tag, attributes, text) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
};

// Both axes logarithmic: a straight line is a power, its steepness the exponent. Lines were counted; dots were measured, in
// seconds, which are laid on the lines by one rate.
figures.curves = (f) => {
  const W = 420, H = 270, left = 46, right = 50, top = 18, bottom = 34;
  const shown = f.lines.flatMap((line) => [...line.points, ...line.dots.map(([x, y]) => [x, y * f.rate])]);
  const xs = shown.map(([x]) => Math.log10(x)), ys = shown.map(([, y]) => Math.log10(y));
  const range = (values) => [Math.min(...values), Math.max(...values)];
  const [x0, x1] = range(xs), [y0, y1] = range(ys);
  const px = (x) => left + (Math.log10(x) - x0) / Math.max(x1 - x0, 1e-9) * (W - left - right);
  const py = (y) => H - bottom - (Math.log10(y) - y0) / Math.max(y1 - y0, 1e-9) * (H - top - bottom);
  const svg = svgElement('svg', { class: 'curves', viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': f.caption });
  for (const [x] of f.lines[0].points) {
    svg.append(svgElement('line', { class: 'axis', x1: px(x), x2: px(x), y1: top, y2: H - bottom }),
      svgElement('text', { x: px(x), y: H - bottom + 14, 'text-anchor': 'middle' }, x));
  }
  for (let e = Math.ceil(y0); e <= y1; ++e) {
    svg.append(svgElement('line', { class: 'axis', x1: left, x2: W - right, y1: py(10 ** e), y2: py(10 ** e) }),
      svgElement('text', { x: left - 6, y: py(10 ** e) + 4, 'text-anchor': 'end' }, count(10 ** e).replace('.00', '')));
  }
  for (let e = Math.ceil(y0 - Math.log10(f.rate)); f.rate > 0 && e <= y1 - Math.log10(f.rate); ++e) {
    svg.append(svgElement('text', { x: W - right + 6, y: py(10 ** e * f.rate) + 4 }, seconds(10 ** e).replace('.00', '')));
  }
  svg.append(svgElement('text', { x: (left + W - right) / 2, y: H - 4, 'text-anchor': 'middle' }, f.x_title),
    svgElement('text', { x: 2, y: 9 }, f.y_title));
  if (f.rate > 0) svg.append(svgElement('text', { x: W - 2, y: 9, 'text-anchor': 'end' }, f.dots_title));
  const colours = ['var(--ink)', 'var(--warm)', 'var(--accent)', 'var(--line-mark)', 'var(--faint)'];
  f.lines.forEach((line, i) => {
    const path = svgElement('path', { d: line.points.map(([x, y], k) => (k ? 'L' : 'M') + px(x).toFixed(1) + ' ' + py(y).toFixed(1)).join('') });
    path.style.stroke = colours[i % colours.length];
    svg.append(path);
    for (const [x, y] of line.dots) {
      const dot = svgElement('circle', { cx: px(x), cy: py(y * f.rate), r: 3.5 });
      dot.style.fill = colours[i % colours.length];
      svg.append(tipped(dot, () => `${line.name}\n${x} ${f.x_title}: ${seconds(y)}`));
    }
  });
  const legend = h('div', { class: 'legend' }, f.lines.map((line, i) => h('span', {}, h('i', { style: { background: colours[i % colours.length] } }), line.name)));
  const at = (points, x, write) => points.filter(([length]) => length === x).map(([, y]) => write(y)).join('');
  const rows = f.lines[0].points.map(([x]) => [String(x), ...f.lines.map((line) => [at(line.points, x, count), at(line.dots, x, seconds)].filter(Boolean).join(' · '))]);
  const table = figures.table({ caption: '', head: [f.x_title, ...f.lines.map((line) => line.name)], rows,
    numeric: rows[0].map(() => true), positions: [] });
  return captioned(f.caption, h('div', { class: 'card' }, svg, legend, f.rate > 0 ? h('p', { class: 'readout' }, say('cost.dots', count(f.rate))) : null,
    h('details', {}, h('summary', {}, say('page.table')), table)));
};
