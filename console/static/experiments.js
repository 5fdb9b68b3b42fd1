// Experiments: traffic split between campaigns, and compared.

import {extension} from './api.js';
import {card, count, digits, field, form, h, head, input, note, percent, select, table, twice, when} from './dom.js';
import {nameOf, solutions} from './group.js';
import {live} from './live.js';

export async function experimentsPage(group) {
  const campaigns = (await solutions(group)).flatMap((s) => s.campaigns);
  const arns = new Set(campaigns.map((c) => c.campaignArn));
  return [
    head('Experiments', 'Programs go on asking the first campaign; a hash of the user decides which one answers.'),
    await live(async () => {
      const {experiments} = await extension('GET', 'experiments');
      const all = experiments.filter((e) => e.arms.some((a) => arns.has(a.campaignArn)));
      return Promise.all(all.map((e) => extension('GET', `experiments/${encodeURIComponent(e.name)}`)));
    }, (all) => (all.length ? all.map(experiment) : h('p', {class: 'empty'}, 'No experiment runs.'))),
    campaigns.length > 1 ? newExperiment(campaigns) : h('p', {class: 'empty'}, 'An experiment needs two campaigns of the same type.'),
  ];
}

// interval writes an estimate with its 95 % interval.
const interval = (e) => (e ? `${digits(e.estimate)} (${digits(e.low)} – ${digits(e.high)})` : '–');

function experiment(e) {
  return card(e.name, h('p', {class: 'lead'}, 'since ', when(e.creationDateTime)),
    twice('End', `End ${e.name}`, () => extension('DELETE', `experiments/${encodeURIComponent(e.name)}`)), table('Arms', [
    {title: 'Campaign', cell: (i) => nameOf(e.arms[i].campaignArn)},
    {title: 'Share', kind: 'number', cell: (i) => percent(e.arms[i].share)},
    {title: 'Answers', kind: 'number', cell: (i) => count(e.answers[i])},
    ...e.events.flatMap((t) => [
      {title: `${t.eventType}: events`, kind: 'number', cell: (i) => count(t.arms[i].events)},
      {title: 'an answer', kind: 'number', cell: (i) => interval(t.arms[i].rate)},
      {title: 'ratio to the first', kind: 'number', cell: (i) => [interval(t.arms[i].ratioToFirst), verdict(t.arms[i].ratioToFirst)]},
    ]),
  ], e.arms.map((_, i) => i), ''));
}

// verdict says whether an interval of a ratio leaves no doubt.
function verdict(ratio) {
  if (!ratio) return null;
  if (ratio.low > 1) return h('span', {class: 'up'}, ' better');
  return ratio.high < 1 ? h('span', {class: 'down'}, ' worse') : h('small', null, 'no difference shown');
}

function newExperiment(campaigns) {
  const name = input({required: true});
  const options = campaigns.map((c) => [c.campaignArn, c.name]);
  const [a, b] = [select(options, options[0][0]), select(options, options[1][0])];
  const share = input({type: 'number', min: 1, max: 99, value: 50});
  return card('Start experiment', form('Start', async () => {
    const second = Number(share.value) / 100;
    await extension('POST', 'experiments', {name: name.value, arms: [{campaignArn: a.value, share: 1 - second}, {campaignArn: b.value, share: second}]});
    note(`${name.value} runs.`);
  }, h('div', {class: 'fields'}, field('Name', name), field('First campaign', a), field('Second campaign', b), field('Users of the second, percent', share))));
}
