// The frame: addresses, navigation, who is signed in, light and dark.

import {onSignedOut, session} from './api.js';
import {append, button, complaint, h, link, show} from './dom.js';
import {findGroup} from './group.js';
import {groupsPage, newGroupPage} from './groups.js';
import {overviewPage} from './overview.js';
import {attributionPage} from './attribution.js';
import {comparePage} from './compare.js';
import {datasetPage, datasetsPage} from './dataset.js';
import {deletionPage} from './deletion.js';
import {eventsPage} from './events.js';
import {experimentsPage} from './experiments.js';
import {filtersPage} from './filters.js';
import {newDatasetPage} from './newdataset.js';
import {newSolutionPage} from './newsolution.js';
import {tryPage, tryAnyPage} from './try.js';
import {signInPage} from './signin.js';

// Pages of a group by the word in the address; each takes the group and the words
// behind it, and gives what to show.
const groupPages = {
  '': overviewPage,
  data: datasetsPage,
  dataset: datasetPage,
  compare: comparePage,
  filters: filtersPage,
  events: eventsPage,
  attribution: attributionPage,
  experiments: experimentsPage,
  delete: deletionPage,
  'new-dataset': newDatasetPage,
  'new-solution': newSolutionPage,
  try: tryPage,
  test: tryAnyPage,
};

// What the navigation of a group offers.
const rooms = [
  ['', 'Overview'], ['data', 'Datasets'], ['test', 'Test and explain'], ['compare', 'Compare versions'],
  ['filters', 'Filters'], ['events', 'Event tracker'], ['attribution', 'Metric attribution'], ['experiments', 'Experiments'],
];

const main = document.getElementById('main');

// go shows the page of the address. A page that came too late is not shown.
let turn = 0;
async function go() {
  const mine = ++turn;
  const words = location.hash.replace(/^#\/?/, '').split('/').map(decodeURIComponent);
  main.setAttribute('aria-busy', 'true');
  try {
    const page = await pageOf(words);
    if (mine !== turn) return;
    show(main, page);
  } catch (error) {
    if (mine !== turn || error.status === 401) return;
    show(main, complaint(error));
  } finally {
    if (mine === turn) main.removeAttribute('aria-busy');
  }
}

async function pageOf([kind, name, page = '', ...rest]) {
  trail(kind === 'group' ? name : '');
  navigation(kind === 'group' ? name : '', page);
  if (kind === 'new-group') return newGroupPage();
  if (kind !== 'group') return groupsPage();
  const show = Object.hasOwn(groupPages, page) ? groupPages[page] : overviewPage;
  return show(await findGroup(name), ...rest);
}

function trail(name) {
  const here = document.getElementById('trail');
  show(here, link('#/', 'Dataset groups'), name && [h('span', {'aria-hidden': 'true'}, '›'), link(`#/group/${encodeURIComponent(name)}`, name)]);
}

function navigation(name, page) {
  const nav = document.getElementById('rooms');
  nav.hidden = !name;
  if (!name) return show(nav);
  const at = page === 'dataset' || page === 'new-dataset' ? 'data' : page === 'try' ? 'test' : page;
  show(nav, h('ul', null, rooms.map(([word, text]) => h('li', null,
    h('a', {href: `#/group/${encodeURIComponent(name)}${word && `/${word}`}`, 'aria-current': word === at ? 'page' : null}, text)))));
}

// theme steps from what the system says to light to dark.
const themes = ['', 'light', 'dark'];
function theme(next) {
  const root = document.documentElement;
  if (next) root.dataset.theme = next;
  else delete root.dataset.theme;
  try {
    localStorage.setItem('theme', next);
  } catch { /* a browser that keeps nothing forgets it */ }
}

function themeButton() {
  const label = () => ({'': 'Theme: system', light: 'Theme: light', dark: 'Theme: dark'})[document.documentElement.dataset.theme ?? ''];
  const b = button(label(), () => {
    theme(themes[(themes.indexOf(document.documentElement.dataset.theme ?? '') + 1) % themes.length]);
    b.textContent = label();
  }, {class: 'plain'});
  return b;
}

function showWho(who) {
  const place = document.getElementById('who');
  show(place, who.signedIn && who.keys && [h('span', {class: 'principal', title: `scopes: ${who.scopes}`}, who.name),
    button('Sign out', async () => { await session('DELETE'); location.reload(); }, {class: 'plain'})]);
  append(place, [themeButton()]);
}

async function start() {
  try {
    theme(localStorage.getItem('theme') ?? '');
  } catch { /* as above */ }
  document.querySelector('[data-skip]').addEventListener('click', (event) => {
    event.preventDefault();
    main.focus();
  });
  const who = await session();
  showWho(who);
  const signIn = () => {
    turn++;
    navigation('', '');
    show(main, signInPage((now) => { showWho(now); go(); }));
  };
  onSignedOut(signIn);
  addEventListener('hashchange', () => { scrollTo(0, 0); go(); });
  if (who.signedIn) await go();
  else signIn();
}

start().catch((error) => show(main, complaint(error)));
