// The page of a dataset group: its data, what was trained of them, what answers,
// and the work that is under way.

import {call, extension, list} from './api.js';
import {badge, button, card, complaint, count, digits, failure, h, head, isBusy, lasted, link, note, percent, show, table, twice, when, words} from './dom.js';
import {addressOf, callsOf, datasets, filters, metricsOf, recipeName, recommenders, solutions, trackers} from './group.js';
import {live} from './live.js';
import {trainings, trainingProgress} from './training.js';

export async function overviewPage(group) {
  return [
    head(group.name, group.domain ? `A group for the domain ${words(group.domain)}` : 'A custom dataset group',
      h('a', {class: 'primary', href: addressOf(group, 'test')}, 'Test recommendations'),
      h('a', {class: 'button', href: addressOf(group, 'delete')}, 'Delete…')),
    failure(group.failureReason),
    await live(() => read(group), (all) => draw(group, all), (all) => all.busy),
  ];
}

// read reads all that the page shows. Failed things are described, for the whole reason.
async function read(group) {
  const [data, made, domain, rules, events] = await Promise.all([datasets(group), solutions(group), recommenders(group), filters(group), trackers(group)]);
  const statistics = data.length ? await rowsOf(group) : {};
  const imports = (await Promise.all(data.map(importsOf))).flat();
  const versions = made.flatMap((s) => s.versions.map((v) => ({...v, solution: {name: s.name, recipeArn: s.recipeArn}})));
  await Promise.all(versions.map(async (v) => Object.assign(v, {metrics: await metricsOf(v)})));
  const campaigns = made.flatMap((s) => s.campaigns);
  const running = await Promise.all(imports.filter((j) => isBusy(j.status)).map(async (j) => ({...j, ...(await progressOf(j))})));
  const training = await trainings(versions, domain);
  const everything = [...data, ...versions, ...campaigns, ...domain, ...rules, ...events, ...imports];
  return {data, made, versions, campaigns, domain, rules, events, imports, running, training, statistics, busy: everything.some((x) => isBusy(x.status))};
}

async function importsOf({datasetArn}) {
  const jobs = await list('ListDatasetImportJobs', 'datasetImportJobs', {datasetArn});
  return jobs.map((j) => ({...j, datasetArn}));
}

// rowsOf gives statistics by dataset type; none while they are long in coming, which
// is no reason not to show the rest.
async function rowsOf(group) {
  try {
    const all = await extension('GET', `${callsOf(group)}/statistics`);
    return Object.fromEntries(all.datasets.map((d) => [d.datasetType, d]));
  } catch (error) {
    if (error.status >= 500) return {};
    throw error;
  }
}

async function progressOf(job) {
  const told = await extension('GET', `dataset-import-jobs/${encodeURIComponent(job.jobName)}`);
  return {progress: told.progress};
}

function draw(group, all) {
  return [
    steps(group, all),
    h('div', {class: 'grid'},
      card('Datasets', dataTable(group, all)),
      (all.running.length > 0 || all.imports.some((j) => j.failureReason)) && card('Imports', all.running.map(importProgress), all.imports.filter((j) => j.failureReason).map((j) => failed(j.jobName, j)))),
    all.training.length > 0 && card('Trainings under way', all.training.map(trainingProgress)),
    card('Solutions and versions', versionTable(group, all), all.versions.filter((v) => v.failureReason).map((v) => failed(v.solution.name, v))),
    h('div', {class: 'grid'},
      card('Campaigns', servingTable(group, 'campaign', all.campaigns, 'No campaign yet. Deploy a version that is active.'), all.campaigns.filter((c) => c.failureReason).map((c) => failed(c.name, c))),
      (group.domain || all.domain.length > 0) && card('Recommenders', servingTable(group, 'recommender', all.domain, 'No recommender yet.'), all.domain.filter((r) => r.failureReason).map((r) => failed(r.name, r))),
      card('Filters', table('Filters', [
        {title: 'Name', cell: (f) => link(addressOf(group, 'filters'), f.name)},
        {title: 'Status', cell: (f) => badge(f.status)},
      ], all.rules, 'No filter yet.'), all.rules.filter((f) => f.failureReason).map((f) => failed(f.name, f)))),
  ];
}

// steps tells what is done and what comes next.
function steps(group, all) {
  const interactions = all.statistics.INTERACTIONS;
  const active = all.versions.filter((v) => v.status === 'ACTIVE');
  const answering = [...all.campaigns, ...all.domain].filter((c) => c.status === 'ACTIVE');
  const list = [
    [interactions?.rows > 0, 'Data', interactions ? `${count(interactions.rows)} interactions of ${count(interactions.interactions?.users ?? 0)} users` : 'Create the interactions dataset', interactions ? addressOf(group, 'data') : addressOf(group, 'new-dataset', 'Interactions')],
    [active.length > 0 || all.domain.length > 0, 'Training', active.length ? `${count(active.length)} active version${active.length > 1 ? 's' : ''}` : 'Create a solution and train it', addressOf(group, 'new-solution')],
    [answering.length > 0, 'Answers', answering.length ? `${count(answering.length)} deployed and answering` : 'Deploy a version as a campaign', answering.length ? addressOf(group, 'test') : addressOf(group)],
    [all.events.length > 0, 'Live events', all.events.length ? 'An event tracker is there' : 'Create an event tracker', addressOf(group, 'events')],
  ];
  return h('ol', {class: 'steps'}, list.map(([done, title, text, href]) => h('li', {class: done ? 'done' : ''},
    h('a', {href}, h('span', {class: 'sign', 'aria-hidden': 'true'}, done ? '✓' : '·'), h('strong', null, title), h('span', {class: 'hidden'}, done ? ' (done): ' : ' (to do): '), h('span', null, text)))));
}

function dataTable(group, all) {
  return [table('Datasets', [
    {title: 'Type', cell: (d) => link(addressOf(group, 'dataset', d.datasetType), words(d.datasetType))},
    {title: 'Rows', kind: 'number', cell: (d) => digits(all.statistics[d.datasetType]?.rows)},
    {title: 'Status', cell: (d) => badge(d.status)},
    {title: 'Last import', cell: (d) => lastImport(d, all.imports)},
  ], all.data, 'No dataset yet: interactions come first.'),
  h('p', null, h('a', {class: 'button', href: addressOf(group, 'new-dataset', all.data.length ? 'Items' : 'Interactions')}, 'Add data'))];
}

function lastImport(dataset, imports) {
  const job = imports.find((j) => j.datasetArn === dataset.datasetArn); // the newest is the first
  return job ? [badge(job.status), ' ', when(job.lastUpdatedDateTime)] : '–';
}

// importProgress draws how far an import is.
export function importProgress(job) {
  const p = job.progress;
  return h('div', {class: 'progress'}, h('strong', null, job.jobName), ' ', badge(job.status),
    p && [h('progress', {max: 1, value: p.done, 'aria-label': `Progress of ${job.jobName}`}),
      h('p', null, `${percent(p.done)} · ${count(p.rowsRead)} rows read`, p.secondsLeft > 0 && ` · about ${lasted(p.secondsLeft)} left`)]);
}

const failed = (name, x) => h('div', null, h('h3', null, name, ' ', badge(x.status)), failure(x.failureReason));

function versionTable(group, all) {
  const rows = all.made.flatMap((s) => (all.versions.some((v) => v.solution.name === s.name) ? all.versions.filter((v) => v.solution.name === s.name) : [{solution: s, status: s.status, none: true}]));
  const arn = (solution) => all.made.find((s) => s.name === solution.name).solutionArn;
  const said = h('div', null);
  return [table('Solutions and versions', [
    {title: 'Solution', cell: (v) => [h('strong', null, v.solution.name), h('small', null, recipeName(v.solution.recipeArn))]},
    {title: 'Version', cell: (v) => (v.none ? 'none yet' : h('code', null, v.solutionVersionArn.split('/').pop()))},
    {title: 'Status', cell: (v) => badge(v.status)},
    {title: 'NDCG@10', kind: 'number', cell: (v) => digits(v.metrics?.normalized_discounted_cumulative_gain_at_10)},
    {title: 'MRR@25', kind: 'number', cell: (v) => digits(v.metrics?.mean_reciprocal_rank_at_25)},
    {title: 'Coverage', kind: 'number', cell: (v) => digits(v.metrics?.coverage)},
    {title: 'Trained', cell: (v) => (v.none ? '–' : when(v.lastUpdatedDateTime))},
    {title: 'Actions', cell: (v) => [
      act(said, 'Train', `Train ${v.solution.name} anew`, () => call('CreateSolutionVersion', {solutionArn: arn(v.solution)})),
      v.status === 'ACTIVE' && !v.none && act(said, 'Deploy', `Deploy ${v.solution.name} as a campaign`, () => deploy(v, all.campaigns)),
      isBusy(v.status) && act(said, 'Stop', `Stop the training of ${v.solution.name}`, () => call('StopSolutionVersionCreation', {solutionVersionArn: v.solutionVersionArn})),
      twice('Delete', `Delete the solution ${v.solution.name} with all its versions`, () => call('DeleteSolution', {solutionArn: arn(v.solution)}))]},
  ], rows, 'No solution yet. A solution is a recipe with its settings; training it makes a version.'), said,
  h('p', null, h('a', {class: 'button', href: addressOf(group, 'new-solution')}, 'Create solution'), ' ', rows.length > 1 && h('a', {class: 'button', href: addressOf(group, 'compare')}, 'Compare versions'))];
}

// act is a button that makes one call and tells what came of it.
function act(said, text, label, make) {
  return button(text, async (event) => {
    event.target.disabled = true;
    show(said);
    try {
      await make();
      note(`${label}: begun.`);
    } catch (error) {
      show(said, complaint(error));
    }
    event.target.disabled = false;
    event.target.blur(); // so that the page goes on following
  }, {class: 'small', 'aria-label': label});
}

// deploy makes a campaign of a version, or moves the solution's campaign to it.
async function deploy(version, campaigns) {
  const name = version.solution.name;
  const old = campaigns.find((c) => c.name === name);
  if (old) await call('UpdateCampaign', {campaignArn: old.campaignArn, solutionVersionArn: version.solutionVersionArn});
  else await call('CreateCampaign', {name, solutionVersionArn: version.solutionVersionArn, minProvisionedTPS: 1});
}

function servingTable(group, kind, rows, empty) {
  return table(`${kind}s`, [
    {title: 'Name', cell: (c) => [link(addressOf(group, 'try', kind, c.name), c.name), h('small', null, recipeName(c.recipeArn ?? c.solution?.recipeArn))]},
    {title: 'Status', cell: (c) => badge(c.status)},
    {title: 'Changed', cell: (c) => when(c.lastUpdatedDateTime)},
  ], rows, empty);
}

