// How far trainings are, and what they chose.

import {extension} from './api.js';
import {badge, h, isBusy, lasted, percent} from './dom.js';

const of = {
  version: (v) => `solutions/${encodeURIComponent(v.solution.name)}/versions/${encodeURIComponent(v.solutionVersionArn.split('/').pop())}/training`,
  recommender: (r) => `recommenders/${encodeURIComponent(r.name)}/training`,
};

// trainings tells of the trainings that are under way, of versions ({…, solution}) and
// of recommenders.
export async function trainings(versions, recommenders) {
  const asked = [
    ...versions.filter((v) => isBusy(v.status)).map((v) => ({name: v.solution.name, at: of.version(v)})),
    ...recommenders.filter((r) => isBusy(r.status)).map((r) => ({name: r.name, at: of.recommender(r)})),
  ];
  return (await Promise.all(asked.map(async ({name, at}) => ({name, ...(await told(at))})))).filter((t) => t.progress);
}

// told asks how a training is going; one that was deleted meanwhile has nothing to tell.
async function told(at) {
  try {
    return await extension('GET', at);
  } catch (error) {
    if (error.status === 400 || error.status === 404) return {};
    throw error;
  }
}

// chosenBy gives what the training of a version chose by itself.
export async function chosenBy(version) {
  return (await told(of.version(version))).chosen ?? [];
}

// trainingProgress draws how far a training is.
export function trainingProgress({name, status, progress: p}) {
  const facts = [percent(p.done), p.note, p.secondsLeft >= 0 && `about ${lasted(p.secondsLeft)} left`,
    p.memoryBytes > 0 && `takes about ${(p.memoryBytes / 2 ** 30).toFixed(1)} GiB of memory`, p.attempt > 1 && `went on after ${p.attempt - 1} interruption${p.attempt > 2 ? 's' : ''}`];
  return h('div', {class: 'progress'}, h('strong', null, name), ' ', badge(status),
    h('progress', {max: 1, value: p.done, 'aria-label': `Progress of ${name}`}),
    h('p', null, facts.filter(Boolean).join(' · ')));
}
