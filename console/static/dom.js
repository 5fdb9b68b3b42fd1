// Builds the page. Data reach the document as text nodes and attributes only: there
// is no way from a string to HTML here, and the Content-Security-Policy of the
// server (Trusted Types) refuses any other.

const SVG = 'http://www.w3.org/2000/svg';

// h makes an element: h('a', {href: '#/', onclick: go}, 'text', child, [more]).
// Attributes that are null or false are left out.
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

// s makes an element of SVG.
export function s(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'width%') element.style.width = `${value}%`;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  append(element, children);
  return element;
}

// append adds texts and elements; null, undefined and false are left out.
export function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

// show replaces what an element holds.
export function show(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

// safeHref gives an address only if it stays on this page.
const safeHref = (to) => (to.startsWith('#/') ? to : '#/');

export const link = (to, ...children) => h('a', {href: safeHref(to)}, children);

export const button = (text, onclick, attributes) => h('button', {type: 'button', onclick, ...attributes}, text);

// twice is a button that asks whether it is meant: the second press does it, and what
// went wrong stands beside it.
export function twice(text, label, act) {
  const said = h('div', null);
  const pressed = button(text, async () => {
    if (!pressed.classList.contains('danger')) {
      pressed.classList.add('danger');
      pressed.textContent = `Really ${text.toLowerCase()}`;
      return;
    }
    pressed.disabled = true;
    pressed.blur(); // so that the part of the page goes on following
    try {
      await act();
      note(`${label}: done.`);
    } catch (error) {
      show(said, complaint(error));
      pressed.disabled = false;
    }
  }, {class: 'small', 'aria-label': label});
  return h('div', null, pressed, said);
}

// card is a titled part of a page.
export function card(title, ...children) {
  return h('section', {class: 'card'}, h('h2', null, title), children);
}

// head is the title of a page, with what can be done there.
export function head(title, lead, ...actions) {
  document.title = `${title} – usher`;
  return h('div', {class: 'head'},
    h('div', null, h('h1', null, title), lead && h('p', {class: 'lead'}, lead)),
    h('div', {class: 'actions'}, actions));
}

let fields = 0;

// field is a labelled input, select or textarea; control may be made by input().
export function field(label, control, hint) {
  control.id ||= `field${++fields}`;
  const help = hint && h('small', {id: `${control.id}-hint`}, hint);
  if (help) control.setAttribute('aria-describedby', help.id);
  return h('div', {class: 'field'}, h('label', {for: control.id}, label), control, help);
}

export const input = (attributes) => h('input', {type: 'text', autocomplete: 'off', spellcheck: 'false', ...attributes});

// select makes a choice of [value, text] pairs.
export function select(options, chosen, attributes) {
  return h('select', attributes, options.map(([value, text]) => h('option', {value, selected: value === chosen}, text)));
}

export const check = (label, attributes) => h('label', {class: 'check'}, h('input', {type: 'checkbox', ...attributes}), label);

// table makes a table of columns {title, cell(row), kind}; empty says what to do
// where there are no rows.
export function table(caption, columns, rows, empty) {
  if (!rows.length) return h('p', {class: 'empty'}, empty);
  return h('div', {class: 'scroll'}, h('table', null,
    h('caption', {class: 'hidden'}, caption),
    h('thead', null, h('tr', null, columns.map((c) => h('th', {scope: 'col', class: c.kind}, c.title)))),
    h('tbody', null, rows.map((row) => h('tr', null, columns.map((c) => h('td', {class: c.kind}, c.cell(row))))))));
}

// bar is a line in a list of bars: what it is of, which share of the most it is, and how
// much; without a share nothing is drawn. kind is the drawn part's, line the whole line's.
export function bar(what, share, much, kind, line) {
  return h('li', {class: line}, h('span', {class: 'what'}, what),
    share !== undefined && h('span', {class: 'track'}, h('span', {class: kind ? `fill ${kind}` : 'fill', 'width%': 100 * share})),
    h('span', {class: 'much'}, much));
}

// facts lists names and values; those without a value are left out.
export function facts(pairs) {
  return h('dl', {class: 'facts'}, pairs.filter(([, v]) => v !== undefined && v !== null && v !== '').map(([k, v]) => h('div', null, h('dt', null, k), h('dd', null, v))));
}

const calm = new Set(['ACTIVE', 'COMPLETED']);

// isBusy says whether a status will change by itself.
export const isBusy = (status) => /PENDING|IN_PROGRESS|STOPPING|STARTING/.test(status ?? '');

// badge shows a status by colour, sign and word.
export function badge(status) {
  const [kind, sign] = calm.has(status) ? ['good', '●'] : /FAILED/.test(status) ? ['bad', '▲'] : isBusy(status) ? ['busy', '◌'] : ['calm', '■'];
  return h('span', {class: `badge ${kind}`}, h('span', {'aria-hidden': 'true'}, sign), ' ', words(status ?? ''));
}

// words writes CREATE IN_PROGRESS as "Create in progress".
export function words(text) {
  const plain = text.replaceAll('_', ' ').toLowerCase();
  return plain.charAt(0).toUpperCase() + plain.slice(1);
}

// failure shows a failureReason whole.
export const failure = (text) => text && h('pre', {class: 'failure'}, text);

// complaint shows an error of a call.
export function complaint(error) {
  return h('div', {class: 'complaint', role: 'alert'}, h('strong', null, error.code ?? 'This did not work'), h('p', null, error.message));
}

// note tells at the edge of the window that something is done, and the live parts of
// the page that they should look (live.js).
export function note(text) {
  document.dispatchEvent(new Event('changed'));
  const line = h('p', {class: 'note'}, text);
  const notes = document.getElementById('notes');
  notes.append(line);
  while (notes.childElementCount > 2) notes.firstChild.remove();
  setTimeout(() => line.remove(), 6000);
}

// reopen shows the page of the address anew.
export const reopen = () => dispatchEvent(new HashChangeEvent('hashchange'));

const numbers = new Intl.NumberFormat('en');

export const count = (n) => numbers.format(n);

// digits writes a measured number with as many digits as tell something.
export function digits(n) {
  if (n === undefined || n === null) return '–';
  if (Number.isInteger(n)) return count(n);
  return Math.abs(n) >= 1e-3 ? n.toFixed(Math.abs(n) >= 100 ? 1 : 4) : n.toExponential(2);
}

export const percent = (x) => `${(100 * x).toFixed(Math.abs(x) < 0.1 ? 1 : 0)} %`;

// when writes a time: Unix seconds of the APIs, or ISO text of extensions.
export function when(t) {
  if (t === undefined || t === null) return '–';
  const date = typeof t === 'number' ? new Date(t * 1000) : new Date(t);
  return h('time', {datetime: date.toISOString(), title: date.toISOString()}, date.toLocaleString('en-GB', {dateStyle: 'medium', timeStyle: 'short'}));
}

// lasted writes a stretch of seconds.
export function lasted(seconds) {
  if (seconds < 90) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  return seconds < 5400 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

// form makes a form that calls done() and shows what it complains of. What begins
// with "Delete" is red.
export function form(text, done, ...children) {
  const said = h('div', null);
  const send = h('button', {type: 'submit', class: text.startsWith('Delete') ? 'danger' : 'primary'}, text);
  return h('form', {onsubmit: async (event) => {
    event.preventDefault();
    send.disabled = true;
    show(said);
    try {
      await done((progress) => show(said, h('p', {class: 'lead'}, progress)));
      show(said);
    } catch (error) {
      show(said, complaint(error));
    }
    send.disabled = false;
  }}, children, h('div', {class: 'send'}, send), said);
}
