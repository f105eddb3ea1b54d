// Builds the page from the panels.
function section(panel, number, next) {
  const link = next ? h('p', { class: 'next' }, h('a', { href: '#' + next.name }, say('page.next', next.title) + ' →'))
    : h('p', { class: 'next' }, h('a', { href: '#top' }, say('page.top') + ' ↑'));
  return h('section', { id: panel.name, 'aria-labelledby': panel.name + '-title' },
    h('div', { class: 'head' }, h('span', { class: 'number', 'aria-hidden': 'true' }, String(number)), h('h2', { id: panel.name + '-title' }, panel.title)),
    h('p', { class: 'sentence' }, panel.sentence), panel.figures.map((figure) => figures[figure.kind](figure)), link);
}

function themeButton() {
  const kThemes = ['auto', 'light', 'dark'], kSigns = { auto: '◐', light: '☀', dark: '☾' };
  const button = h('button', { class: 'theme', type: 'button' });
  const apply = (theme) => {
    if (theme === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = kSigns[theme];
    button.dataset.theme = theme;
    button.title = `${say('page.theme')}: ${say('page.' + theme)}`;
    button.setAttribute('aria-label', button.title);
  };
  button.addEventListener('click', () => {
    apply(kThemes[(kThemes.indexOf(button.dataset.theme) + 1) % kThemes.length]);
    redrawAll();
  });
  apply('auto');
  return button;
}

function build() {
  const links = data.panels.map((panel) => h('a', { href: '#' + panel.name }, panel.title));
  const bar = h('nav', { class: 'bar', 'aria-label': say('page.contents') }, h('div', {}, h('ol', {}, links.map((link) => h('li', {}, link))), themeButton()));
  const lead = h('header', { class: 'lead', id: 'top' }, h('h1', {}, data.title), h('p', {}, data.lead), h('p', {}, say('page.keys')));
  const sections = data.panels.map((panel, i) => section(panel, i + 1, data.panels[i + 1]));
  document.body.append(h('a', { class: 'skip', href: '#' + data.panels[0].name }, data.panels[0].title), bar, lead, h('main', {}, sections), h('footer', {}, data.foot), tip);

  const spy = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      links.forEach((link, i) => link.setAttribute('aria-current', data.panels[i].name === entry.target.id));
      const current = links.find((link) => link.getAttribute('aria-current') === 'true'), list = current.closest('ol');
      list.scrollTo({ left: current.offsetLeft - list.offsetLeft - list.clientWidth / 3 });
    }
  }, { rootMargin: '-20% 0px -70% 0px' });
  sections.forEach((element) => spy.observe(element));
  redraws.forEach((f) => f());
  let resized;
  addEventListener('resize', () => { clearTimeout(resized); resized = setTimeout(redrawAll, 120); });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redrawAll);
}
build();
