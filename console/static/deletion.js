// Deleting a dataset group with everything in it, after a look at what that is.

import {call, extension} from './api.js';
import {card, count, field, form, h, head, input, note, words} from './dom.js';
import {callsOf} from './group.js';

export async function deletionPage(group) {
  const plan = await extension('GET', `${callsOf(group)}/deletion`);
  const kinds = new Map();
  for (const arn of plan.deletes) {
    const [kind, ...name] = arn.split(':')[5].split('/');
    const word = kind === 'solution' && name.length > 1 ? 'solution-version' : kind;
    kinds.set(word, [...(kinds.get(word) ?? []), arn]);
  }
  const name = input({required: true, autocomplete: 'off'});
  const blocked = plan.blockedBy.length > 0;
  return [
    head(`Delete ${group.name}?`, `${count(plan.deletes.length)} resources go, with all their data and models. This cannot be undone; schemas and objects in buckets stay.`),
    card('What goes', h('ul', {class: 'verdicts'}, [...kinds].map(([kind, arns]) => h('li', null, h('details', null, h('summary', null, `${count(arns.length)} × ${words(kind.replaceAll('-', ' ')).toLowerCase()}`),
      h('ul', null, arns.map((arn) => h('li', null, h('code', null, arn))))))))),
    blocked
      ? card('Work is under way', h('p', {class: 'blocked'}, 'Wait for its end, or stop it; until then nothing is deleted.'), h('ul', {class: 'verdicts'}, plan.blockedBy.map((arn) => h('li', null, h('code', null, arn)))))
      : card('Delete', form('Delete everything', async () => {
        if (name.value !== group.name) throw new Error('This is not the name of the group.');
        await call('DeleteDatasetGroup', {datasetGroupArn: group.datasetGroupArn}, {'x-usher-cascade': 'true'});
        note(`${group.name} is being deleted.`);
        location.hash = '#/';
      }, field('Type the name of the group', name))),
  ];
}
