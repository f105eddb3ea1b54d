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
  const rows = f.rows.map((row) => h('tr', {}, row.map((text, i) => cell('td', i, text))));
  const table = h('table', {}, h('thead', {}, h('tr', {}, f.head.map((text, i) => cell('th', i, text)))), h('tbody', {}, rows));
  if (f.positions.length) {
    watch(({ token }) => rows.forEach((row, i) => row.classList.toggle('chosen', f.positions[i] === token + data.from)));
  }
  const box = h('div', { class: 'card scroll' + (rows.length > 14 ? ' tall' : ''), tabindex: 0, role: 'region',
    'aria-label': f.caption || f.head.join(', ') }, table);
  return captioned(f.caption, box);
};

function captioned(caption, ...children) {
  return h('figure', {}, caption ? h('figcaption', {}, caption) : null, children);
}

function barRows(bars, largest) {
  return h('div', { class: 'bars' }, bars.flatMap((bar) => {
    const track = h('div', { class: 'track' }, h('div', { class: 'fill' + (bar.marked ? ' marked' : ''),
      style: { width: (largest > 0 ? 100 * bar.value / largest : 0) + '%' } }));
    if (bar.note) tipped(track, () => `${bar.label}  ${bar.shown}\n${bar.note}`);
    return [h('div', { class: 'label tok' }, bar.label), track, h('div', { class: 'value' }, bar.shown)];
  }));
}

// Bars about the tokens of the text become the text itself, the darker the longer the bar.
figures.bars = (f) => {
  const largest = Math.max(...f.bars.map((bar) => bar.value));
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
    const bar = f.bars[token];
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
    const largest = Math.max(0, ...step.bars.map((bar) => bar.value));
    const gone = step.dropped.flatMap((bar, i) => [i ? ', ' : '', h('s', { class: 'tok' }, bar.label), ' ' + bar.shown]);
    return h('li', { class: step.active ? '' : 'off' }, h('span', { class: 'what' }, step.title), h('span', { class: 'line' }, step.line),
      step.bars.length ? barRows(step.bars, largest) : null, gone.length ? h('p', { class: 'gone' }, say('output.gone') + ': ', gone) : null);
  });
  const line = f.number < 0 ? null : h('div', { class: 'drawline', role: 'img', 'aria-label': f.draw_line },
    h('i', { style: { left: 100 * f.from + '%', width: 100 * (f.to - f.from) + '%' } }), h('b', { style: { left: 100 * f.number + '%' } }));
  list.push(h('li', {}, h('span', { class: 'what' }, f.draw_title), h('span', { class: 'line' }, f.draw_line), line));
  return h('figure', {}, h('div', { class: 'card' }, h('ol', { class: 'steps' }, list)));
};

// Both axes logarithmic: a straight line is a power, its steepness the exponent.
figures.curves = (f) => {
  const svgElement = (tag, attributes, text) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const W = 380, H = 250, left = 52, right = 12, top = 8, bottom = 34;
  const points = f.lines.flatMap((line) => line.points).filter(([, y]) => y > 0);
  const xs = points.map(([x]) => Math.log10(x)), ys = points.map(([, y]) => Math.log10(y));
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
      svgElement('text', { x: left - 6, y: py(10 ** e) + 4, 'text-anchor': 'end' }, seconds(10 ** e).replace('.00', '')));
  }
  svg.append(svgElement('text', { x: (left + W) / 2, y: H - 4, 'text-anchor': 'middle' }, f.x_title));
  const colours = ['var(--ink)', 'var(--warm)', 'var(--accent)', 'var(--mark)', 'var(--faint)'];
  f.lines.forEach((line, i) => {
    const shown = line.points.filter(([, y]) => y > 0);
    const path = svgElement('path', { d: shown.map(([x, y], k) => (k ? 'L' : 'M') + px(x).toFixed(1) + ' ' + py(y).toFixed(1)).join('') });
    path.style.stroke = colours[i % colours.length];
    svg.append(path);
    for (const [x, y] of shown) {
      const dot = svgElement('circle', { cx: px(x), cy: py(y), r: 3.5 });
      dot.style.fill = colours[i % colours.length];
      svg.append(tipped(dot, () => `${line.name}\n${x} ${f.x_title}: ${seconds(y)}`));
    }
  });
  const legend = h('div', { class: 'legend' }, f.lines.map((line, i) => h('span', {}, h('i', { style: { background: colours[i % colours.length] } }), line.name)));
  const rows = f.lines[0].points.map(([x], k) => [String(x), ...f.lines.map((line) => seconds(line.points[k][1]))]);
  const table = figures.table({ caption: '', head: [f.x_title, ...f.lines.map((line) => line.name)], rows,
    numeric: rows[0].map(() => true), positions: [] });
  return captioned(f.caption, h('div', { class: 'card' }, svg, legend, h('details', {}, h('summary', {}, say('page.table')), table)));
};
