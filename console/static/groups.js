// The list of dataset groups, and a new one.

import {call, list} from './api.js';
import {badge, card, field, form, h, head, input, isBusy, link, select, table, when, words} from './dom.js';
import {addressOf} from './group.js';
import {live} from './live.js';

export async function groupsPage() {
  return [
    head('Dataset groups', 'A dataset group holds the data of one shop, site or app, and all that is made of them.', h('a', {class: 'primary', href: '#/new-group'}, 'Create dataset group')),
    await live(() => list('ListDatasetGroups', 'datasetGroups'), (groups) => h('section', {class: 'card'}, table('Dataset groups', [
      {title: 'Name', cell: (g) => link(addressOf(g), g.name)},
      {title: 'Domain', cell: (g) => (g.domain ? words(g.domain) : 'Custom')},
      {title: 'Status', cell: (g) => badge(g.status)},
      {title: 'Created', cell: (g) => when(g.creationDateTime)},
      {title: 'Changed', cell: (g) => when(g.lastUpdatedDateTime)},
    ], groups, 'There is none yet. Create one, or run “usher demo -keep” to look at one that is full.')),
    (groups) => groups.some((g) => isBusy(g.status))),
    h('p', {class: 'lead'}, 'Programs reach this server with ', h('code', null, `AWS_ENDPOINT_URL=${location.origin}`), ' and boto3, the AWS CLI or any AWS SDK.'),
  ];
}

export function newGroupPage() {
  const name = input({required: true, pattern: '[a-zA-Z0-9][a-zA-Z0-9\\-_]*', maxlength: 63});
  const domain = select([['', 'Custom'], ['ECOMMERCE', 'E-commerce'], ['VIDEO_ON_DEMAND', 'Video on demand']], '');
  return [
    head('Create dataset group', 'Next come its interactions: upload a CSV file and train.'),
    card('Details', form('Create and continue', async () => {
      await call('CreateDatasetGroup', {name: name.value, ...(domain.value && {domain: domain.value})});
      location.hash = addressOf({name: name.value}, 'new-dataset', 'Interactions');
    }, field('Name', name, 'Letters, digits, - and _.'),
    field('Domain', domain, 'A domain brings schemas and recommenders for its use cases. Custom groups have all other recipes.'))),
  ];
}
