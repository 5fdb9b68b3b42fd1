// Metric attribution: what recommendations led to.

import {call} from './api.js';
import {badge, button, card, facts, field, form, h, head, input, note, select, table, when} from './dom.js';
import {attributions} from './group.js';

export async function attributionPage(group) {
  const all = await Promise.all((await attributions(group)).map(async (a) => {
    const {metricAttribution} = await call('DescribeMetricAttribution', {metricAttributionArn: a.metricAttributionArn});
    const {metrics} = await call('ListMetricAttributionMetrics', {metricAttributionArn: a.metricAttributionArn});
    return {...metricAttribution, metrics};
  }));
  return [
    head('Metric attribution', 'Events are counted by the recommendation that they came from.'),
    all.map((a) => card(a.name, facts([['Status', badge(a.status)], ['Created', when(a.creationDateTime)], ['Reports go to', a.metricsOutputConfig?.s3DataDestination?.path ?? 'no bucket']]),
      table('Metrics', [
        {title: 'Metric', cell: (m) => h('strong', null, m.metricName)},
        {title: 'Event type', cell: (m) => m.eventType},
        {title: 'Function', cell: (m) => h('code', null, m.expression)},
      ], a.metrics, 'No metric yet.'), h('p', {class: 'lead'}, 'The counts are the series usher_attributed_metric at /metrics, and in the reports.'))),
    all.length === 0 && newAttribution(group),
  ];
}

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
    dispatchEvent(new HashChangeEvent('hashchange')); // shows the page anew
  }, field('Name', name), field('Reports to (optional)', path), h('div', {class: 'field'}, h('span', {class: 'label'}, 'Metrics'), rows, button('Add metric', add, {class: 'small'}))));
}
