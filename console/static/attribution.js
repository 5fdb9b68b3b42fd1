// Metric attribution: what recommendations led to.

import {call, series} from './api.js';
import {badge, bar, button, card, complaint, digits, facts, field, form, h, head, input, note, reopen, select, table, twice, when} from './dom.js';
import {attributions, nameOf} from './group.js';
import {live} from './live.js';

export async function attributionPage(group) {
  const all = await Promise.all((await attributions(group)).map(read));
  return [
    head('Metric attribution', 'Events are counted by the recommendation that they came from.'),
    await Promise.all(all.map(shown)),
    all.length === 0 && newAttribution(group),
  ];
}

async function read({metricAttributionArn}) {
  const {metricAttribution} = await call('DescribeMetricAttribution', {metricAttributionArn});
  const {metrics} = await call('ListMetricAttributionMetrics', {metricAttributionArn});
  return {...metricAttribution, metrics};
}

// shown is one attribution: its metrics, and what was counted so far.
async function shown(a) {
  return card(a.name, facts([['Status', badge(a.status)], ['Created', when(a.creationDateTime)], ['Reports go to', a.metricsOutputConfig?.s3DataDestination?.path ?? 'no bucket']]),
    twice('Delete', `Delete the metric attribution ${a.name}`, async () => { await call('DeleteMetricAttribution', {metricAttributionArn: a.metricAttributionArn}); reopen(); }),
    table('Metrics', [
      {title: 'Metric', cell: (m) => h('strong', null, m.metricName)},
      {title: 'Event type', cell: (m) => m.eventType},
      {title: 'Function', cell: (m) => h('code', null, m.expression)},
    ], a.metrics, 'No metric yet.'),
    await live(() => totals(a.metricAttributionArn), (counted) => (counted.error ? complaint(counted.error) : a.metrics.map((m) => chart(m, counted.rows)))));
}

// totals reads what was counted: the series that stand for CloudWatch's.
async function totals(arn) {
  try {
    const all = await series('usher_attributed_metric');
    return {rows: all.filter((s) => s.labels.MetricAttributionArn === arn)};
  } catch (error) {
    return {error: {code: error.code, message: `The counts cannot be read from here: ${error.message}`}};
  }
}

// chart draws a metric's totals by where the recommendations came from.
function chart(metric, rows) {
  const own = rows.filter((r) => r.labels.MetricName === metric.metricName).sort((a, b) => b.value - a.value);
  const most = Math.max(...own.map((r) => r.value), Number.MIN_VALUE);
  return h('div', null, h('h3', null, metric.metricName), own.length === 0
    ? h('p', {class: 'empty'}, 'Nothing was counted yet.')
    : h('ul', {class: 'bars'}, own.map((r) => bar(sourceName(r.labels.EVENT_ATTRIBUTION_SOURCE), r.value / most, digits(r.value)))));
}

const sourceName = (source) => (source === 'SOURCE_NAME_UNDEFINED' ? 'no recommendation is named' : source.startsWith('arn:') ? nameOf(source) : source);

// newAttribution takes metrics as rows.
function newAttribution(group) {
  const name = input({required: true, value: group.name});
  const path = input({placeholder: 's3://bucket/folder/'});
  const rows = h('div', null);
  const add = () => rows.append(h('div', {class: 'pair'}, input({'aria-label': 'Metric', placeholder: 'purchases', required: true}), input({'aria-label': 'Event type', placeholder: 'Purchase', required: true}),
    select([['SAMPLECOUNT', 'count'], ['SUM', 'sum of']], 'SAMPLECOUNT', {'aria-label': 'Function'}), input({'aria-label': 'Column', placeholder: 'Items.PRICE'})));
  add();
  return card('Create metric attribution', form('Create', async () => {
    const metrics = [...rows.children].map((row) => [...row.children].map((c) => c.value.trim()))
      .map(([metricName, eventType, f, column]) => ({metricName, eventType, expression: f === 'SUM' ? `SUM(${column})` : 'SAMPLECOUNT()'}));
    await call('CreateMetricAttribution', {name: name.value, datasetGroupArn: group.datasetGroupArn, metrics,
      metricsOutputConfig: {roleArn: 'arn:aws:iam::000000000000:role/usher', ...(path.value && {s3DataDestination: {path: path.value}})}});
    note('It counts from now on.');
    reopen();
  }, field('Name', name), field('Reports to (optional)', path), h('div', {class: 'field'}, h('span', {class: 'label'}, 'Metrics'), rows, button('Add metric', add, {class: 'small'}))));
}
