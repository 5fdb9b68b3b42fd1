// Filters: those there are, a new one, deletion.

import {call} from './api.js';
import {badge, button, card, failure, field, form, h, head, input, isBusy, note, select, table, twice, when} from './dom.js';
import {datasets, filters} from './group.js';
import {live} from './live.js';
import {parameters} from './narrowing.js';

export async function filtersPage(group) {
  return [
    head('Filters', 'They say which items an answer may have. New data count in the next request.'),
    await live(() => read(group), (all) => h('section', {class: 'card'}, table('Filters', [
      {title: 'Name', cell: (f) => h('strong', null, f.name)},
      {title: 'Expression', cell: (f) => [h('code', null, f.filterExpression), failure(f.failureReason)]},
      {title: 'Parameters', cell: (f) => parameters(f.filterExpression).map((p) => h('span', {class: 'tag'}, `$${p}`))},
      {title: 'Status', cell: (f) => badge(f.status)},
      {title: 'Created', cell: (f) => when(f.creationDateTime)},
      {title: '', cell: (f) => twice('Delete', `Delete ${f.name}`, () => call('DeleteFilter', {filterArn: f.filterArn}))},
    ], all, 'No filter yet.')), (all) => all.some((f) => isBusy(f.status))),
    await newFilter(group),
  ];
}

async function read(group) {
  const all = await filters(group);
  return Promise.all(all.map(async (f) => (await call('DescribeFilter', {filterArn: f.filterArn})).filter));
}

// newFilter takes an expression, or builds its first condition of rows.
async function newFilter(group) {
  const name = input({required: true});
  const text = h('textarea', {class: 'code', rows: 3, required: true, spellcheck: 'false'});
  return card('Create filter', await builder(group, text), form('Create filter', async () => {
    await call('CreateFilter', {name: name.value, datasetGroupArn: group.datasetGroupArn, filterExpression: text.value});
    note(`${name.value} is created.`);
    document.activeElement?.blur();
  }, field('Name', name), field('Expression', text, 'AWS’s language, or usher’s own behind the word USHER: parentheses, BETWEEN, LIKE, EVENT (… WITHIN 30 DAYS).')));
}

const operators = [['IN', 'is one of'], ['NOT IN', 'is none of'], ['=', '='], ['!=', '≠'], ['<', '<'], ['<=', '≤'], ['>', '>'], ['>=', '≥']];

// builder writes an expression of an action and conditions that AND or OR join.
async function builder(group, text) {
  const properties = (await Promise.all((await datasets(group)).filter((d) => ['INTERACTIONS', 'ITEMS'].includes(d.datasetType)).map(propertiesOf))).flat();
  const action = select([['INCLUDE', 'Include'], ['EXCLUDE', 'Exclude']], 'EXCLUDE', {'aria-label': 'Action'});
  const rows = h('div', null);
  const write = () => { text.value = expression(action.value, rows); };
  const add = () => {
    const first = rows.children.length === 0;
    rows.append(h('div', {class: 'pair'}, first ? action : select([['AND', 'and'], ['OR', 'or']], 'AND', {'aria-label': 'Join'}),
      select(properties.map((p) => [p, p]), properties[0], {'aria-label': 'Property'}), select(operators, 'IN', {'aria-label': 'Operator'}),
      input({'aria-label': 'Value', placeholder: 'click, buy or $PARAMETER', oninput: write})));
    write();
  };
  if (!properties.length) return null;
  add();
  return h('div', {class: 'field', onchange: write}, h('span', {class: 'label'}, 'Build expression'), rows, button('Add condition', add, {class: 'small'}));
}

async function propertiesOf(d) {
  const {dataset} = await call('DescribeDataset', {datasetArn: d.datasetArn});
  const {schema} = await call('DescribeSchema', {schemaArn: dataset.schemaArn});
  const of = d.datasetType === 'ITEMS' ? 'Items' : 'Interactions';
  const hidden = ['USER_ID', 'ITEM_ID', 'TIMESTAMP'];
  const text = (f) => of === 'Items' && [f.type].flat().includes('string') && !f.categorical; // names and texts are not to be filtered by
  return JSON.parse(schema.schema).fields.filter((f) => !hidden.includes(f.name) && !text(f)).map((f) => `${of}.${f.name}`);
}

function expression(action, rows) {
  const conditions = [...rows.children].map((row, i) => {
    const [join, property, operator, given] = [...row.children].map((c) => c.value);
    return `${i ? ` ${join} ` : ''}${property} ${operator} ${operand(operator, given)}`;
  });
  return `${action} ItemID WHERE ${conditions.join('')}`;
}

// operand writes a value: lists in parentheses, texts in quotes, numbers and
// parameters as they are.
function operand(operator, given) {
  const one = (v) => (/^\$\w+$/.test(v) || (!operator.includes('IN') && v !== '' && !Number.isNaN(Number(v))) ? v : `"${v.replaceAll('"', '\\"')}"`);
  const values = given.split(',').map((v) => one(v.trim()));
  return operator.includes('IN') ? `(${values.join(', ')})` : values.join(', ');
}
