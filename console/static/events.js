// The event tracker, and how programs send events.

import {call} from './api.js';
import {badge, card, facts, field, form, h, head, input, note, reopen, twice, when} from './dom.js';
import {trackers} from './group.js';

export async function eventsPage(group) {
  const all = await Promise.all((await trackers(group)).map(async (t) => (await call('DescribeEventTracker', {eventTrackerArn: t.eventTrackerArn})).eventTracker));
  const name = input({required: true, value: group.name});
  return [
    head('Event tracker', 'Events that programs send count in the next request.'),
    all.map((t) => card(t.name, facts([['Tracking ID', h('code', null, t.trackingId)], ['Status', badge(t.status)], ['Created', when(t.creationDateTime)]]),
      twice('Delete', `Delete the event tracker ${t.name}`, async () => { await call('DeleteEventTracker', {eventTrackerArn: t.eventTrackerArn}); reopen(); }),
      snippets(t.trackingId).map(([title, text]) => h('div', null, h('h3', null, title), h('pre', {class: 'snippet'}, text))))),
    all.length === 0 && card('Create event tracker', form('Create', async () => {
      await call('CreateEventTracker', {name: name.value, datasetGroupArn: group.datasetGroupArn});
      note('The event tracker is there.');
      reopen();
    }, field('Name', name))),
  ];
}

// snippets are as short as what works can be.
const snippets = (trackingId) => [
  ['Python (boto3)', `import boto3, time\n\nevents = boto3.client("personalize-events", endpoint_url="${location.origin}")\nevents.put_events(\n    trackingId="${trackingId}", userId="user-1", sessionId="session-1",\n    eventList=[{"eventType": "View", "itemId": "item-1", "sentAt": time.time()}])`],
  ['AWS CLI', `aws personalize-events put-events --endpoint-url ${location.origin} \\\n  --tracking-id ${trackingId} --user-id user-1 --session-id session-1 \\\n  --event-list '[{"eventType": "View", "itemId": "item-1", "sentAt": ${Math.floor(Date.now() / 1000)}}]'`],
];
