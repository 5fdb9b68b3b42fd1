// The data of a group: datasets, insights; and one dataset: schema, statistics of its
// columns, imports, single records.

import {call, extension, list, post} from './api.js';
import {badge, bar, card, check, count, digits, facts, failure, field, form, h, head, input, isBusy, link, note, percent, select, table, twice, when, words} from './dom.js';
import {addressOf, callsOf, datasets, trackers} from './group.js';
import {live} from './live.js';
import {importProgress} from './overview.js';
import {cell} from './records.js';
import {upload} from './upload.js';

// datasetsPage lists the datasets and what the checks of their data found.
export async function datasetsPage(group) {
  const all = await datasets(group);
  const insights = all.length ? await extension('GET', `${callsOf(group)}/insights`) : {insights: []};
  return [
    head('Datasets', 'What is known of users and items.', h('a', {class: 'primary', href: addressOf(group, 'new-dataset', 'Interactions')}, 'Add dataset')),
    h('section', {class: 'card'}, table('Datasets', [
      {title: 'Type', cell: (d) => link(addressOf(group, 'dataset', d.datasetType), words(d.datasetType))},
      {title: 'Name', cell: (d) => d.name},
      {title: 'Status', cell: (d) => badge(d.status)},
      {title: 'Created', cell: (d) => when(d.creationDateTime)},
    ], all, 'No dataset yet: interactions come first.')),
    all.length > 0 && card('Insights', insights.insights.length
      ? h('ul', {class: 'insights'}, insights.insights.map((i) => h('li', {class: i.severity}, h('strong', null, words(i.datasetType), i.column && ` · ${i.column}`, ': '), i.text, h('small', null, i.action))))
      : h('p', {class: 'empty'}, 'Eleven checks found nothing to mend.')),
  ];
}

// datasetPage is the page of one dataset.
export async function datasetPage(group, type) {
  const found = (await datasets(group)).find((d) => d.datasetType === type);
  if (!found) throw new Error(`This group has no ${words(type ?? '').toLowerCase()} dataset.`);
  const {dataset} = await call('DescribeDataset', {datasetArn: found.datasetArn});
  const {schema} = await call('DescribeSchema', {schemaArn: dataset.schemaArn});
  const fields = JSON.parse(schema.schema).fields;
  return [
    head(words(type), dataset.name, badge(dataset.status), twice('Delete', `Delete the ${words(type).toLowerCase()} dataset`, async () => {
      await call('DeleteDataset', {datasetArn: dataset.datasetArn});
      location.hash = addressOf(group, 'data');
    })),
    await live(() => extension('GET', `${callsOf(group)}/statistics?datasetType=${type}`), (s) => statistics(s.datasets[0])),
    await live(() => imports(dataset), drawImports, importing()),
    importForm(dataset),
    ['ITEMS', 'USERS', 'INTERACTIONS'].includes(type) && await recordForm(group, dataset, fields),
    ['ITEMS', 'USERS'].includes(type) && await browse(group, type.toLowerCase()),
    card('Schema', h('p', {class: 'lead'}, schema.name), table('Fields', [
      {title: 'Field', cell: (f) => h('code', null, f.name)},
      {title: 'Type', cell: (f) => [f.type].flat().join(' or ')},
      {title: 'Kind', cell: (f) => ['categorical', 'textual'].filter((k) => f[k]).join(', ')},
    ], fields, ''), h('details', null, h('summary', null, 'As JSON'), h('pre', {class: 'snippet'}, JSON.stringify(JSON.parse(schema.schema), null, 2)))),
  ];
}

// statistics shows a dataset's columns, each with what its values look like.
function statistics(data) {
  if (!data || !data.rows) return card('Statistics', h('p', {class: 'empty'}, 'No data yet.'));
  const about = data.interactions;
  return card('Statistics', facts([
    ['Rows', count(data.rows)], ['Rows that lack a value', count(data.incomplete)],
    ...(about ? [['Users', count(about.users)], ['with two events or more', count(about.repeated)], ['Items', count(about.items)], ['Anonymous events', count(about.anonymous)]] : []),
    ...(data.idle === undefined ? [] : [['without interactions', count(data.idle)]]),
  ]), h('div', {class: 'columns'}, data.columns.map(column)));
}

function column(c) {
  const n = c.numbers;
  const time = c.name.endsWith('TIMESTAMP');
  const value = (x) => (time ? when(x) : digits(x));
  return h('details', null, h('summary', null, h('code', null, c.name), h('small', null, `${c.type}${c.categorical ? ', categorical' : ''}${c.textual ? ', textual' : ''} · ${percent(c.complete)} there · ${c.uniqueError ? 'about ' : ''}${count(c.unique)} different`)),
    n && [facts([['Least', value(n.least)], ['Median', value(n.quantiles.p50)], ['Mean', value(n.mean)], ['Most', value(n.most)], !time && ['Deviation', digits(n.deviation)], ['Outliers', count(n.outliers)]].filter(Boolean)),
      histogram(n.histogram, time)],
    c.top?.[0]?.count === 1 && h('p', {class: 'lead'}, 'All are different: ', c.top.slice(0, 5).map((t) => t.value).join(', '), ' …'),
    c.top?.[0]?.count > 1 && h('ul', {class: 'bars'}, c.top.slice(0, 10).map((t) => bar(t.value, t.count / c.top[0].count, count(t.count)))));
}

function histogram(bins, time) {
  if (!bins?.length) return null;
  const most = Math.max(...bins.map((b) => b.count));
  const edge = (x) => (time ? new Date(1000 * x).toISOString().slice(0, 10) : digits(x));
  return h('div', {class: 'histogram', role: 'img', 'aria-label': `Histogram of ${bins.length} bins`}, bins.map((b) => {
    const one = h('span', {title: `${edge(b.from)} to ${edge(b.to)}: ${count(b.count)}`});
    one.style.height = `${Math.max(100 * b.count / most, b.count ? 2 : 0)}%`;
    return one;
  }));
}

// importing gives what says whether an import is under way. When the last has ended
// the other parts of the page look at the data anew.
function importing() {
  let before = false;
  return (jobs) => {
    const now = jobs.some((j) => isBusy(j.status));
    if (before && !now) setTimeout(() => document.dispatchEvent(new Event('changed')));
    before = now;
    return now;
  };
}

// imports gives a dataset's import jobs, the newest first, with what they found.
async function imports(dataset) {
  const jobs = await list('ListDatasetImportJobs', 'datasetImportJobs', {datasetArn: dataset.datasetArn});
  return Promise.all(jobs.slice(0, 20).map(async (j) => ({...j, ...(await extension('GET', `dataset-import-jobs/${encodeURIComponent(j.jobName)}`)), jobName: j.jobName, status: j.status})));
}

function drawImports(jobs) {
  return card('Imports', table('Import jobs', [
    {title: 'Job', cell: (j) => j.jobName},
    {title: 'Mode', cell: (j) => (j.dryRun ? 'Dry run' : j.importMode === 'INCREMENTAL' ? 'Add' : 'Replace')},
    {title: 'Status', cell: (j) => badge(j.status)},
    {title: 'Rows', kind: 'number', cell: (j) => digits(j.report?.rows)},
    {title: 'Bad rows', kind: 'number', cell: (j) => digits(j.report?.badRows)},
    {title: 'Ended', cell: (j) => (isBusy(j.status) ? '–' : when(j.lastUpdatedDateTime))},
  ], jobs, 'Nothing was imported yet.'), jobs.filter((j) => j.progress).map(importProgress), jobs.map((j, i) => found(j, i === 0)));
}

// found shows why a job failed, and its bad rows; at once for the newest.
function found(job, open) {
  const bad = job.report?.bad ?? [];
  if (!job.failureReason && !bad.length) return null;
  return h('details', {open}, h('summary', null, `What ${job.jobName} found`), failure(job.failureReason), bad.length > 0 && table('Bad values', [
    {title: 'File', cell: (b) => b.file}, {title: 'Line', kind: 'number', cell: (b) => b.line}, {title: 'Column', cell: (b) => h('code', null, b.column)},
    {title: 'Value', cell: (b) => b.value}, {title: 'Expected', cell: (b) => b.reason},
  ], bad, ''));
}

// importForm uploads a file of the browser's machine and imports it.
function importForm(dataset) {
  const file = h('input', {type: 'file', accept: '.csv,.gz,.parquet', name: 'file'});
  const location = input({placeholder: 's3://bucket/folder/ or s3://bucket/file.csv', name: 'location'});
  const mode = select([['FULL', 'Replace existing data'], ['INCREMENTAL', 'Add to existing data']], 'FULL');
  const bad = input({type: 'number', min: 0, value: 0});
  const dry = check('Dry run: judge the file and import nothing', {});
  return h('details', {class: 'card'}, h('summary', null, 'Import a file'), form('Import', async (tell) => {
    const source = file.files[0] ? await upload(file.files[0], tell) : location.value.trim();
    if (!source) throw new Error('Choose a file, or give a location in a bucket.');
    await startImport(dataset.datasetArn, source, mode.value, {bad: bad.value, dry: dry.firstChild.checked});
    note('The import has begun.');
  }, h('div', {class: 'fields'}, field('File of this machine', file, 'CSV, gzip of it, or Parquet.'), field('or location', location), field('Mode', mode), field('Bad rows to leave out at most', bad)), dry));
}

// startImport makes an import job.
export function startImport(datasetArn, dataLocation, importMode, {bad, dry} = {}) {
  const jobName = `import-${new Date().toISOString().replace(/[^0-9]/g, '').slice(0, 17)}`;
  return call('CreateDatasetImportJob', {jobName, datasetArn, dataSource: {dataLocation}, importMode},
    {...(Number(bad) > 0 && {'x-usher-max-bad-rows': String(bad)}), ...(dry && {'x-usher-dry-run': 'true'})});
}

const samples = {int: 1, long: 1, float: 1.5, double: 1.5, boolean: true};
const sample = (f) => samples[[f.type].flat().find((t) => t !== 'null')] ?? (f.categorical ? 'a|b' : 'text');

// recordForm is an editor for records, filled with a template of the schema.
async function recordForm(group, dataset, fields) {
  const type = dataset.datasetType;
  const own = fields.filter((f) => !['USER_ID', 'ITEM_ID', 'TIMESTAMP', 'EVENT_TYPE', 'EVENT_VALUE', 'IMPRESSION', 'RECOMMENDATION_ID', 'EVENT_ATTRIBUTION_SOURCE'].includes(f.name));
  const properties = JSON.stringify(Object.fromEntries(own.map((f) => [f.name, sample(f)])));
  const tracker = type === 'INTERACTIONS' ? (await trackers(group))[0] : undefined;
  if (type === 'INTERACTIONS' && !tracker) return null;
  const template = {
    INTERACTIONS: {userId: 'user-1', sessionId: 'session-1', eventList: [{eventType: 'View', itemId: 'item-1', sentAt: Math.floor(Date.now() / 1000), ...(own.length && {properties})}]},
    ITEMS: {items: [{itemId: 'item-1', properties}]},
    USERS: {users: [{userId: 'user-1', properties}]},
  }[type];
  const text = h('textarea', {class: 'code', rows: 10, spellcheck: 'false'}, JSON.stringify(template, null, 2));
  return h('details', {class: 'card'}, h('summary', null, type === 'INTERACTIONS' ? 'Create events' : 'Create records'), form('Send', async () => {
    const given = JSON.parse(text.value);
    if (type === 'INTERACTIONS') {
      const {eventTracker} = await call('DescribeEventTracker', {eventTrackerArn: tracker.eventTrackerArn});
      await post('/events', {trackingId: eventTracker.trackingId, ...given});
    } else await post(`/${type.toLowerCase()}`, {datasetArn: dataset.datasetArn, ...given});
    note('It is kept, and counts from the next request on.');
  }, field('JSON', text, 'Up to ten. What a program would send with PutEvents, PutItems or PutUsers.')));
}

// browse looks for single users or items.
async function browse(group, kind) {
  const search = input({type: 'search', name: 'search'});
  const found = await live(() => extension('GET', `${callsOf(group)}/${kind}?limit=50&search=${encodeURIComponent(search.value)}`), (all) => records(kind, all));
  const look = (event) => {
    event.preventDefault();
    document.dispatchEvent(new Event('changed'));
  };
  return card(words(kind), h('form', {class: 'search', role: 'search', onsubmit: look}, field('Search ids and texts', search), h('button', {type: 'submit'}, 'Search')), found);
}

function records(kind, found) {
  const names = [...new Set(found.records.flatMap((r) => Object.keys(r.fields)))].slice(0, 6);
  return [h('p', {class: 'lead'}, `${count(found.known)} are known`, found.more && ', the first 50 that match are shown', '.'), table(kind, [
    {title: 'ID', cell: (r) => h('code', null, r.id)},
    ...names.map((name) => ({title: name, cell: (r) => clipped(cell(name, r.fields[name]))})),
  ], found.records, 'None.')];
}

const clipped = (text) => (typeof text === 'string' && text.length > 80 ? h('span', {title: text}, `${text.slice(0, 80)}…`) : text);
