// A new dataset: a schema that is built or written, and the first file.

import {call} from './api.js';
import {button, card, field, form, h, head, input, link, note, select, show} from './dom.js';
import {addressOf, datasets} from './group.js';
import {startImport} from './dataset.js';
import {upload} from './upload.js';

// needed are the fields that a schema cannot do without; a domain needs more.
const needed = {
  Interactions: [{name: 'USER_ID', type: 'string'}, {name: 'ITEM_ID', type: 'string'}, {name: 'TIMESTAMP', type: 'long'}],
  Items: [{name: 'ITEM_ID', type: 'string'}],
  Users: [{name: 'USER_ID', type: 'string'}],
};
const neededBy = {
  ECOMMERCE: {Interactions: [{name: 'EVENT_TYPE', type: 'string'}], Items: [{name: 'PRICE', type: 'float'}, {name: 'CATEGORY_L1', type: 'string', categorical: true}]},
  VIDEO_ON_DEMAND: {Interactions: [{name: 'EVENT_TYPE', type: 'string'}], Items: [{name: 'GENRES', type: 'string', categorical: true}, {name: 'CREATION_TIMESTAMP', type: 'long'}]},
};
const fieldsNeeded = (type, domain) => [...needed[type], ...(neededBy[domain]?.[type] ?? [])];

// usual are what most data have too.
const usual = {
  Interactions: [{name: 'EVENT_TYPE', type: 'string'}],
  Items: [{name: 'TITLE', type: 'string', textual: true, nullable: true}, {name: 'CATEGORY', type: 'string', categorical: true, nullable: true}],
  Users: [{name: 'GENDER', type: 'string', categorical: true, nullable: true}],
};

const types = ['string', 'int', 'long', 'float', 'double', 'boolean'];
const reserved = {EVENT_TYPE: true, EVENT_VALUE: true};

export async function newDatasetPage(group, type = 'Interactions') {
  const there = new Set((await datasets(group)).map((d) => d.datasetType));
  const free = Object.keys(needed).filter((t) => !there.has(t.toUpperCase()));
  const title = head('Add dataset', 'Interactions say what users did; items and users are records that make answers better.');
  if (!free.length) return [title, card('All there', h('p', null, 'Interactions, items and users are there. ', link(addressOf(group, 'data'), 'Import more data')))];
  const place = h('div', null);
  const choice = h('div', {class: 'tabs', role: 'group', 'aria-label': 'Type of the dataset'}, free.map((t) => button(t, () => choose(t), {'data-type': t})));
  const choose = (t) => {
    for (const b of choice.children) b.setAttribute('aria-pressed', String(b.dataset.type === t));
    show(place, datasetForm(group, t));
  };
  choose(free.includes(type) ? type : free[0]);
  return [title, choice, place];
}

function datasetForm(group, type) {
  const file = h('input', {type: 'file', accept: '.csv', name: 'file'});
  const name = input({required: true, value: `${group.name}-${type.toLowerCase()}`, name: 'name'});
  const schema = builder(type, fieldsNeeded(type, group.domain));
  file.addEventListener('change', async () => schema.propose(header(await file.files[0].slice(0, 64 << 10).text())));
  return card(type, form('Create dataset', async (tell) => {
    tell('Creating the schema …');
    const text = schema.text();
    const {schemaArn} = await call('CreateSchema', {name: name.value, schema: text, ...(group.domain && {domain: group.domain})});
    const {datasetArn} = await call('CreateDataset', {name: name.value, schemaArn, datasetGroupArn: group.datasetGroupArn, datasetType: type});
    if (file.files[0]) {
      const location = await upload(file.files[0], tell);
      await startImport(datasetArn, location, 'FULL');
      note('The dataset is there; its import has begun.');
    }
    location.hash = addressOf(group, 'dataset', type.toUpperCase());
  }, field('CSV file of this machine', file, 'Its first line names the columns, which fill in the schema below. You can import it later, too.'),
  field('Name of dataset and schema', name), schema.element));
}

// header reads the names and first values of a CSV file.
export function header(text) {
  const [names, ...rows] = text.split(/\r?\n/).slice(0, 200).map(cells);
  return names.map((name, i) => ({name: name.trim(), values: rows.slice(0, -1).map((r) => r[i] ?? '').filter((v) => v !== '')}));
}

// cells takes a line of a CSV apart; a line end inside of quotes is not expected in
// what only proposes a schema.
function cells(line) {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map((m) => (m[1] ?? m[2]).replaceAll('""', '"'));
}

// proposed judges the type of a column by its values.
function proposed({name, values}) {
  const all = (pattern) => values.length > 0 && values.every((v) => pattern.test(v));
  if (all(/^-?\d{1,9}$/)) return {name, type: name.endsWith('TIMESTAMP') ? 'long' : 'int', nullable: true};
  if (all(/^-?\d+$/)) return {name, type: 'long', nullable: true};
  if (all(/^-?[\d.]+(e-?\d+)?$/i)) return {name, type: 'float', nullable: true};
  const long = values.some((v) => v.split(' ').length > 4);
  const few = new Set(values).size <= Math.max(values.length / 2, 1); // a category comes again, a name does not
  return {name, type: 'string', nullable: true, categorical: few && !long, textual: long};
}

// builder edits a schema as a table or as JSON; the fields of must stay.
function builder(type, must) {
  const own = new Set(must.map((f) => f.name));
  const rows = h('tbody', null);
  const json = h('textarea', {class: 'code', rows: 12, hidden: true, spellcheck: 'false', 'aria-label': 'Schema as JSON'});
  const grid = h('div', {class: 'scroll'}, h('table', null, h('thead', null, h('tr', null, ['Field', 'Type', 'Categorical', 'Textual', 'May be empty', ''].map((t) => h('th', {scope: 'col'}, t)))), rows));
  const fill = (list) => show(rows, must.map(fixed), list.filter((f) => !own.has(f.name)).map(editable));
  const read = () => JSON.stringify({type: 'record', name: type, namespace: 'com.amazonaws.personalize.schema', fields: [...rows.children].map((r) => r.read()), version: '1.0'}, null, 2);
  const flip = button('Edit as JSON', () => {
    json.value = read();
    json.hidden = false;
    grid.hidden = add.hidden = flip.hidden = true;
  }, {class: 'small'});
  const add = button('Add field', () => rows.append(editable({name: '', type: 'string'})), {class: 'small'});
  fill(usual[type]);
  return {
    element: h('div', {class: 'field'}, h('span', {class: 'label'}, 'Schema'), grid, json, add, flip),
    text: () => (json.hidden ? read() : json.value),
    propose(columns) {
      fill(columns.filter((c) => c.name).map((c) => (reserved[c.name] ? {name: c.name, type: c.name === 'EVENT_TYPE' ? 'string' : 'float'} : proposed(c))));
    },
  };
}

function fixed(f) {
  const row = h('tr', null, h('td', null, h('code', null, f.name)), h('td', null, f.type), h('td', {colspan: 4}, h('small', null, f.categorical ? 'needed, categorical' : 'needed')));
  row.read = () => f;
  return row;
}

function editable(f) {
  const name = input({value: f.name, required: true, 'aria-label': 'Field name', pattern: '[A-Za-z][A-Za-z0-9_]*'});
  const type = select(types.map((t) => [t, t]), f.type, {'aria-label': 'Field type'});
  const tick = (label, on) => h('input', {type: 'checkbox', checked: on, 'aria-label': label});
  const [categorical, textual, nullable] = [tick('Categorical', f.categorical), tick('Textual', f.textual), tick('May be empty', f.nullable)];
  const row = h('tr', null, [name, type, categorical, textual, nullable].map((c) => h('td', null, c)), h('td', null, button('Remove', () => row.remove(), {class: 'small', 'aria-label': `Remove ${f.name}`})));
  row.read = () => ({name: name.value, type: nullable.checked ? [type.value, 'null'] : type.value,
    ...(categorical.checked && type.value === 'string' && {categorical: true}), ...(textual.checked && type.value === 'string' && {textual: true})});
  return row;
}
