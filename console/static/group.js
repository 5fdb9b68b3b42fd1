// What a dataset group holds, read by the List and Describe calls.

import {call, list} from './api.js';

// arnOf gives the ARN of another resource of the same account.
export const arnOf = (like, kind, name) => `${like.split(':').slice(0, 5).join(':')}:${kind}/${name}`;

// nameOf gives the last part of an ARN that names it among its kind.
export const nameOf = (arn) => (arn ?? '').slice((arn ?? '').indexOf('/') + 1);

export const recipeName = (arn) => nameOf(arn).replace(/^aws-/, '');

// addressOf gives the address of a group's page: its word, and those behind it.
export const addressOf = (group, ...more) => `#/group/${[group.name, ...more].map(encodeURIComponent).join('/')}`;

// callsOf begins the paths of the extension's calls about a group.
export const callsOf = (group) => `dataset-groups/${encodeURIComponent(group.name)}`;

// findGroup gives the group of a name.
export async function findGroup(name) {
  const all = await list('ListDatasetGroups', 'datasetGroups');
  const found = all.find((g) => g.name === name);
  if (!found) throw new Error(`There is no dataset group “${name}”.`);
  return found;
}

const inGroup = (group) => ({datasetGroupArn: group.datasetGroupArn});

export const datasets = (group) => list('ListDatasets', 'datasets', inGroup(group));
export const filters = (group) => list('ListFilters', 'Filters', inGroup(group));
export const recommenders = (group) => list('ListRecommenders', 'recommenders', inGroup(group));
export const trackers = (group) => list('ListEventTrackers', 'eventTrackers', inGroup(group));
export const attributions = (group) => list('ListMetricAttributions', 'metricAttributions', inGroup(group));

// solutions gives a group's solutions, each with its versions and campaigns.
export async function solutions(group) {
  const all = await list('ListSolutions', 'solutions', inGroup(group));
  return Promise.all(all.map(async (solution) => {
    const of = {solutionArn: solution.solutionArn};
    const [versions, campaigns] = await Promise.all([list('ListSolutionVersions', 'solutionVersions', of), list('ListCampaigns', 'campaigns', of)]);
    return {...solution, versions, campaigns: campaigns.map((c) => ({...c, solution}))};
  }));
}

// metricsOf gives a version's metrics; none where it has none yet.
export async function metricsOf(version) {
  if (version.status !== 'ACTIVE') return {};
  try {
    return (await call('GetSolutionMetrics', {solutionVersionArn: version.solutionVersionArn})).metrics;
  } catch (error) {
    if (error.status === 400) return {};
    throw error;
  }
}

// recipeType gives what a recipe answers: USER_PERSONALIZATION, …
const types = new Map();
export async function recipeType(recipeArn) {
  if (!recipeArn) return '';
  if (!types.has(recipeArn)) types.set(recipeArn, (await call('DescribeRecipe', {recipeArn})).recipe.recipeType);
  return types.get(recipeArn);
}
