// Draws why an item is recommended: what the extension's explanation says, in
// sentences and bars.

import {bar, card, digits, h, percent, when} from './dom.js';

// bases say in a sentence what a score is made of.
const bases = {
  personal: 'It follows from what this user did.',
  beginning: 'Nothing is known of this user, so it is what suits newcomers.',
  repeated: 'The user has had it before, and users come back to such items.',
  neighbours: 'Users who had the item that was asked about had this one too.',
  trend: 'It is gaining interest now.',
  popularity: 'It is popular with everybody.',
  unknown: 'It was not in the training: the model knows nothing of it yet.',
};

// partNames say what the parts of a score are.
const partNames = {
  network: 'the network: how this history goes on',
  markov: 'what follows the last events directly',
  near: 'items that were near in other histories',
  again: 'having had it before',
  latest: 'being the newest event itself',
};

const partName = (name) => partNames[name] ?? (/^rules_(\d+)$/.test(name) ? `rules between items, ${name.slice(6)} events apart at most` : name.startsWith('objective ') ? `the objective of the solution: a high ${name.slice(10)}` : name);

// explanation draws one item's explanation.
export function explanation(item, records, question) {
  return card(`Why ${records.title(item.itemId)}?`,
    h('p', {class: 'verdict'}, place(item), ' ', bases[item.basis] ?? item.basis, item.reason && ` ${item.reason}.`),
    item.explored && h('p', null, 'It is new, and shown to learn about it.'),
    item.promotionName && h('p', null, `The promotion “${item.promotionName}” put it there.`),
    item.alreadyHad && h('p', {class: 'blocked'}, 'The use case leaves out what the user already had, this item among it.'),
    eventBars(item, records),
    without(item),
    partBars(item),
    verdicts('The filter', item.filter),
    verdicts('The promotion’s filter', item.promotion),
    question.context && h('p', null, 'Asked in the context ', Object.entries(question.context).map(([k, v]) => h('span', {class: 'tag'}, `${k} = ${v}`))));
}

// place says where an item stands, and what moved it there.
function place(item) {
  const model = item.modelPlace && (item.place ? item.modelPlace !== item.place : true) ? `, place ${item.modelPlace} before filters and promotions` : '';
  return item.place ? `Place ${item.place}${model}.` : `Not in the answer${model}.`;
}

// eventBars draws by how much the score would fall without each event. The effect is
// a difference of logarithms: e^-effect of the score would be left.
function eventBars(item, records) {
  if (!item.events?.length) return null;
  const most = Math.max(...item.events.map((e) => Math.abs(e.effect)));
  return h('div', null, h('h3', null, 'Past events that matter most'), h('ul', {class: 'bars'}, item.events.map((e) => bar(
    [[e.eventType, ' '].filter(Boolean), h('strong', null, records.title(e.itemId)), h('small', null, when(e.timestamp))],
    Math.abs(e.effect) / most, change(e.effect)))));
}

// change says in percent what a score would lose without an event.
function change(effect) {
  const left = Math.exp(-effect);
  if (left > 1) return `+${percent(left - 1)} without it`;
  if (left < 0.001) return 'nearly all without it';
  return `−${left < 0.05 ? `${(100 * (1 - left)).toFixed(1)} %` : percent(1 - left)} without it`;
}

function without(item) {
  if (item.scoreWithoutEvents === undefined || item.score === undefined) return null;
  const most = Math.max(item.score, item.scoreWithoutEvents, Number.MIN_VALUE);
  const row = (text, score, kind) => bar(text, score / most, digits(score), kind);
  return h('div', null, h('h3', null, 'The score'), h('ul', {class: 'bars'}, row('as it is', item.score, ''), row('if none of these had happened', item.scoreWithoutEvents, 'faded')));
}

// partBars draws what a score is the sum of, to both sides of zero; parts of recipes
// that count are numbers.
function partBars(item) {
  const parts = item.parts ?? [];
  if (!parts.length) return null;
  const signed = item.basis === 'personal' || item.basis === 'beginning' || item.basis === 'repeated';
  const most = Math.max(...parts.map((p) => Math.abs(p.value)), Number.MIN_VALUE);
  return h('div', null, h('h3', null, signed ? 'What the model adds up' : 'What was counted'), h('ul', {class: `bars ${signed ? 'signed' : 'counted'}`}, parts.map((p) => bar(partName(p.name),
    signed ? Math.abs(p.value) / most / 2 : undefined, (signed && p.value > 0 ? '+' : '') + digits(p.value), p.value < 0 ? 'minus' : 'plus'))));
}

// verdicts shows which expressions of a filter let the item through.
function verdicts(name, report) {
  if (!report) return null;
  const said = (v) => (v.counts ? (v.matches ? 'matches' : 'does not match') : 'does not count: its IF does not hold');
  return h('div', null, h('h3', null, name, ' ', h('span', {class: report.passes ? 'up' : 'down'}, report.passes ? '✓ lets it through' : '✗ leaves it out')),
    h('ul', {class: 'verdicts'}, report.expressions.map((v) => h('li', null, h('code', null, v.expression), ' ', said(v)))));
}
