// Versions of all solutions side by side.

import {call} from './api.js';
import {badge, bar, card, digits, h, head, isBusy, lasted, table, when} from './dom.js';
import {metricsOf, recipeName, solutions} from './group.js';
import {live} from './live.js';
import {chosenBy} from './training.js';

// comparePage shows each metric of each version; the best of a metric stands out.
export async function comparePage(group) {
  return [
    head('Compare versions', 'Measured when they were trained, on interactions that were hidden from the training.'),
    await live(() => read(group), draw, (versions) => versions.some((v) => isBusy(v.status))),
  ];
}

async function read(group) {
  const made = await solutions(group);
  const all = made.flatMap((s) => s.versions.map((v) => ({...v, name: s.name, recipeArn: s.recipeArn, campaigns: s.campaigns.length})));
  return Promise.all(all.map(async (v) => {
    const {solutionVersion} = await call('DescribeSolutionVersion', {solutionVersionArn: v.solutionVersionArn});
    return {...v, ...solutionVersion, name: v.name, metrics: await metricsOf(v), chosen: await chosenBy({...v, solution: v})};
  }));
}

const titles = {
  normalized_discounted_cumulative_gain: 'NDCG', mean_reciprocal_rank: 'MRR', precision: 'Precision', hit: 'Hits', recall: 'Recall', coverage: 'Coverage', average_rewards_at_k: 'Average rewards',
};

// metricTitle writes precision_at_5 as Precision@5.
function metricTitle(name) {
  const [, base, k] = /^(.*?)(?:_at_(\d+))?$/.exec(name);
  return (titles[base] ?? base.replaceAll('_', ' ')) + (k ? `@${k}` : '');
}

// aim says what a version is to bring besides relevance.
function aim({solutionConfig}) {
  const o = solutionConfig?.optimizationObjective;
  return o?.itemAttribute ? `for ${o.itemAttribute} (${o.objectiveSensitivity ?? 'MEDIUM'}) · ` : '';
}

function draw(versions) {
  const names = [...new Set(versions.flatMap((v) => Object.keys(v.metrics)))].sort((a, b) => a.localeCompare(b, 'en', {numeric: true}));
  const best = Object.fromEntries(names.map((n) => [n, Math.max(...versions.map((v) => v.metrics[n] ?? -Infinity))]));
  const hours = (v) => (v.trainingHours === undefined ? '–' : lasted(v.trainingHours * 3600));
  return [
    h('section', {class: 'card'}, table('Versions and their metrics', [
      {title: 'Version', cell: (v) => [h('strong', null, v.name), h('small', null, `${recipeName(v.recipeArn)} · ${aim(v)}`, h('code', null, v.solutionVersionArn.split('/').pop()))]},
      {title: 'Status', cell: (v) => badge(v.status)},
      {title: 'Trained', cell: (v) => when(v.lastUpdatedDateTime)},
      {title: 'Work', kind: 'number', cell: hours},
    ], versions, 'No version yet.')),
    h('div', {class: 'grid'}, names.map((n) => card(metricTitle(n), h('ul', {class: 'bars'}, versions.filter((v) => v.metrics[n] !== undefined).map((v) => bar(
      [v.name, ' ', h('code', null, v.solutionVersionArn.split('/').pop())],
      best[n] ? v.metrics[n] / best[n] : 0, digits(v.metrics[n]), '', v.metrics[n] === best[n] && 'best')))))),
    versions.some((v) => v.chosen.length) && card('What was chosen in training', versions.filter((v) => v.chosen.length).map((v) => [
      h('h3', null, v.name, ' ', h('code', null, v.solutionVersionArn.split('/').pop())), h('ul', null, v.chosen.map((c) => h('li', null, c)))])),
  ];
}
