// Asks a campaign or recommender, and shows the answer, why it is so, and the past
// that it goes by.

import {call, extension, post} from './api.js';
import {badge, button, card, complaint, count, digits, field, form, h, head, input, note, reopen, show, twice, when} from './dom.js';
import {explanation} from './explanation.js';
import {addressOf, arnOf, callsOf, filters, recipeName, recipeType, recommenders, solutions, trackers} from './group.js';
import {narrowing} from './narrowing.js';
import {Records, cell} from './records.js';

const shownEvents = 100;

// tryAnyPage asks for what to test, where there are several.
export async function tryAnyPage(group) {
  const [made, domain] = await Promise.all([solutions(group), recommenders(group)]);
  const all = [...made.flatMap((s) => s.campaigns.map((c) => ['campaign', c, s.recipeArn])), ...domain.map((r) => ['recommender', r, r.recipeArn])];
  const to = ([kind, c]) => addressOf(group, 'try', kind, c.name);
  return [
    head('Test recommendations', 'Ask as an application would, and see why the answer is what it is.'),
    h('ul', {class: 'choices'}, all.map((x) => h('li', null, h('a', {href: to(x), class: 'card'}, h('strong', null, x[1].name), h('small', null, recipeName(x[2])), badge(x[1].status))))),
    all.length === 0 && h('p', {class: 'empty'}, 'Nothing answers yet. Train a version and deploy it as a campaign first.'),
  ];
}

// tryPage is the page of one campaign or recommender.
export async function tryPage(group, kind, name) {
  const arn = arnOf(group.datasetGroupArn, kind, name);
  const resource = kind === 'recommender'
    ? (await call('DescribeRecommender', {recommenderArn: arn})).recommender
    : (await call('DescribeCampaign', {campaignArn: arn})).campaign;
  const recipeArn = resource.recipeArn ?? (await call('DescribeSolutionVersion', {solutionVersionArn: resource.solutionVersionArn})).solutionVersion.recipeArn;
  const [type, rules, events] = await Promise.all([recipeType(recipeArn), filters(group), trackers(group)]);
  const test = new Test(group, {kind, arn, recipeArn, ranks: type === 'PERSONALIZED_RANKING', related: type === 'RELATED_ITEMS'}, rules, events);
  return [
    head(name, `${kind === 'campaign' ? 'Campaign' : 'Recommender'} of ${recipeName(recipeArn)}`, badge(resource.status), actions(group, kind, arn, name, resource)),
    resource.failureReason && h('pre', {class: 'failure'}, resource.failureReason),
    test.form(),
    h('div', {class: 'answer'}, h('div', {class: 'results'}, test.results), h('div', {class: 'aside'}, test.why, test.past)),
  ];
}

// actions are what can be done with a campaign or recommender besides asking it.
function actions(group, kind, arn, name, resource) {
  const of = {[`${kind}Arn`]: arn};
  const turn = async (operation) => { await call(operation, of); reopen(); };
  const leave = async (operation) => { await call(operation, of); location.hash = addressOf(group); };
  if (kind === 'campaign') return twice('Delete', `Delete the campaign ${name}`, () => leave('DeleteCampaign'));
  return [
    resource.status === 'ACTIVE' && twice('Stop', `Stop ${name}`, () => turn('StopRecommender')),
    resource.status === 'INACTIVE' && twice('Start', `Start ${name}`, () => turn('StartRecommender')),
    twice('Delete', `Delete the recommender ${name}`, () => leave('DeleteRecommender')),
  ];
}

// Test is one page's questions and answers.
class Test {
  constructor(group, asked, rules, events) {
    Object.assign(this, {group, asked, rules, events});
    this.path = callsOf(group);
    this.records = new Records(group);
    this.results = h('div', null, h('p', {class: 'empty'}, 'The answer comes here.'));
    this.why = h('div', {'aria-live': 'polite'});
    this.past = h('div', null);
    this.before = new Map(); // places in the answer before
  }

  form() {
    const user = input({list: 'users', name: 'user'});
    const item = input({list: 'items', name: 'item'});
    const items = h('textarea', {rows: 3, spellcheck: 'false', name: 'items'});
    const number = input({type: 'number', min: 1, max: 500, value: 25, name: 'number'});
    const filter = narrowing('Filter', this.rules);
    const promotion = this.promotion();
    const context = pairs();
    const columns = input({placeholder: 'TITLE, GENRES', name: 'columns'});
    const trimmed = (control) => control.value.trim();
    this.question = () => ({
      [this.asked.kind === 'recommender' ? 'recommenderArn' : 'campaignArn']: this.asked.arn,
      ...(trimmed(user) && {userId: trimmed(user)}),
      ...(trimmed(item) && {itemId: trimmed(item)}),
      ...filter.value(), ...context.value(),
      ...(this.asked.ranks ? {inputList: trimmed(items).split(/[\s,]+/).filter(Boolean)} : {numResults: Number(number.value), ...promotion.value()}),
      ...(trimmed(columns) && {metadataColumns: {ITEMS: trimmed(columns).split(/[\s,]+/)}}),
    });
    return card('Question', form('Ask', () => { this.before.clear(); return this.ask(); },
      h('div', {class: 'fields'},
        field(this.asked.related ? 'User ID (optional)' : 'User ID', user, h('span', null, button('Any user', () => this.anybody(user), {class: 'inline'}), ' or type to search')),
        this.asked.ranks ? field('Item IDs to rank', items, 'With blanks, commas or line ends between them.') : field(this.asked.related ? 'Item ID' : 'Item ID (for related items)', item, 'Type to search ids and texts.'),
        !this.asked.ranks && field('Results', number),
        filter.element),
      h('details', null, h('summary', null, 'Context, promotion, metadata columns'),
        h('div', {class: 'fields'}, context.element, !this.asked.ranks && promotion.element, field('Metadata columns', columns, 'For deployments that were told to give metadata.'))),
      this.suggestions('users', user), this.suggestions('items', item)));
  }

  // suggestions looks for what is being typed.
  suggestions(kind, control) {
    const options = h('datalist', {id: kind});
    let waiting;
    control.addEventListener('input', () => {
      clearTimeout(waiting);
      waiting = setTimeout(async () => {
        const {records} = await extension('GET', `${this.path}/${kind}?limit=12&search=${encodeURIComponent(control.value)}`);
        show(options, records.map((r) => h('option', {value: r.id}, Object.values(r.fields).filter((v) => typeof v === 'string').slice(0, 2).join(' · '))));
      }, 150);
    });
    return options;
  }

  // anybody fills in one of the users.
  async anybody(control) {
    const {records} = await extension('GET', `${this.path}/users?limit=200`);
    if (!records.length) return note('The group has no users yet.');
    control.value = records[Math.floor(Math.random() * records.length)].id;
    control.form.requestSubmit();
    return undefined;
  }

  promotion() {
    const share = input({type: 'number', min: 1, max: 100, name: 'percent'});
    const filter = narrowing('Filter of promoted items', this.rules);
    return {
      element: h('div', null, field('Promoted items, percent', share), filter.element),
      value: () => (share.value ? {promotions: [{name: 'console', percentPromotedItems: Number(share.value), ...filter.value()}]} : {}),
    };
  }

  async ask() {
    const question = this.question();
    this.asking = question;
    const answer = await post(this.asked.ranks ? '/personalize-ranking' : '/recommendations', question);
    const items = answer.itemList ?? answer.personalizedRanking ?? [];
    await this.records.read(items.map((i) => i.itemId));
    this.answer = {items, id: answer.recommendationId};
    show(this.why);
    this.drawResults();
    await this.drawPast();
    if (items.length) await this.explain(items[0].itemId);
  }

  drawResults() {
    const {items, id} = this.answer;
    const columns = this.records.columns(2);
    const reasons = items.some((i) => i.promotionName || i.reason);
    const scores = items.some((i) => i.score !== undefined);
    const most = Math.max(...items.map((i) => i.score ?? 0), Number.MIN_VALUE);
    show(this.results, card(`${count(items.length)} items`,
      items.length ? h('div', {class: 'scroll'}, h('table', {class: 'ranked'},
        h('caption', {class: 'hidden'}, `${this.asked.ranks ? 'Ranked' : 'Recommended'} items; choose one to see why`),
        h('thead', null, h('tr', null, ['', 'Item', ...columns, scores && 'Score', reasons && 'Reason'].filter((t) => t !== false).map((t) => h('th', {scope: 'col'}, t)))),
        h('tbody', null, items.map((item, i) => this.row(item, i, {columns, most, scores, reasons}))))) : h('p', {class: 'empty'}, 'The answer is empty: the filter leaves nothing, or nothing is known.'),
      h('p', {class: 'lead'}, 'recommendationId ', h('code', null, id))));
    this.before = new Map(items.map((item, i) => [item.itemId, i]));
  }

  row(item, place, {columns, most, scores, reasons}) {
    const fields = {...this.records.fields(item.itemId), ...item.metadata};
    const title = this.records.title(item.itemId);
    const choose = button(title, () => this.choose(item.itemId), {class: 'item', 'aria-pressed': 'false', 'data-item': item.itemId});
    return h('tr', null,
      h('td', {class: 'number'}, place + 1, this.moved(item.itemId, place)),
      h('td', null, choose, h('small', null, item.itemId)),
      columns.map((c) => h('td', null, cell(c, fields[c]))),
      scores && h('td', {class: 'score'}, item.score !== undefined && [h('span', {class: 'bar', 'aria-hidden': 'true', 'width%': (60 * item.score) / most}), digits(item.score)]),
      reasons && h('td', null, item.promotionName && h('span', {class: 'tag'}, `promoted: ${item.promotionName}`), (item.reason ?? []).map((r) => h('span', {class: 'tag'}, r))));
  }

  // moved says how an item's place changed since the last answer.
  moved(id, place) {
    if (!this.before.size) return null;
    if (!this.before.has(id)) return h('span', {class: 'up'}, ' new');
    const by = this.before.get(id) - place;
    return by === 0 ? null : h('span', {class: by > 0 ? 'up' : 'down'}, by > 0 ? ` ▲${by}` : ` ▼${-by}`);
  }

  // choose explains an item, and goes there where the explanation is not beside it.
  async choose(id) {
    await this.explain(id);
    const {top, bottom} = this.why.getBoundingClientRect();
    if (top > innerHeight || bottom < 0) this.why.scrollIntoView({block: 'start'});
  }

  // explain shows why an item is where it is.
  async explain(id) {
    for (const b of this.results.querySelectorAll('[data-item]')) b.setAttribute('aria-pressed', String(b.dataset.item === id));
    const {metadataColumns, ...question} = this.asking;
    try {
      const {items} = await extension('POST', 'explanations', {...question, items: [id]});
      const events = items[0].events ?? [];
      await this.records.read(events.map((e) => e.itemId));
      const seen = this.events.length && this.asking.userId && button('What if the user viewed it now?', () => this.view(id), {class: 'small', title: 'Sends a real event, which stays in the history, and asks again'});
      show(this.why, explanation(items[0], this.records, question), seen);
      this.mark(events);
    } catch (error) {
      show(this.why, complaint(error));
    }
  }

  // view tells the server that the user viewed an item, and asks again.
  async view(id) {
    const {eventTracker} = await call('DescribeEventTracker', {eventTrackerArn: this.events[0].eventTrackerArn});
    await post('/events', {trackingId: eventTracker.trackingId, userId: this.asking.userId, sessionId: 'usher-console',
      eventList: [{eventType: this.usual ?? 'View', itemId: id, recommendationId: this.answer.id, sentAt: Math.floor(Date.now() / 1000)}]});
    note(`${this.asking.userId} viewed ${this.records.title(id)}: the answer counts it already.`);
    await this.ask();
  }

  // drawPast shows the user's events, the newest first.
  async drawPast() {
    show(this.past);
    if (!this.asking.userId) return;
    let past;
    try {
      past = await extension('GET', `${this.path}/history?limit=${shownEvents}&userId=${encodeURIComponent(this.asking.userId)}`);
    } catch (error) {
      if (error.status !== 404) throw error;
      show(this.past, card('History', h('p', {class: 'empty'}, `Nothing is known of ${this.asking.userId}: the answer is that for everybody.`)));
      return;
    }
    await this.records.read(past.events.map((e) => e.itemId));
    this.usual = past.events[0]?.eventType;
    const fields = Object.entries(past.user.fields);
    show(this.past, card(`History of ${past.user.id}`,
      h('p', {class: 'lead'}, `${count(past.user.events)} events`, fields.length > 0 && ` · ${fields.map(([k, v]) => `${k} ${v}`).join(' · ')}`),
      h('ol', {class: 'past'}, past.events.map((e) => h('li', {'data-item': e.itemId, 'data-time': e.timestamp},
        h('span', {class: 'title'}, this.records.title(e.itemId)),
        h('small', null, [e.eventType, e.eventValue !== undefined && digits(e.eventValue)].filter(Boolean).join(' '), ' · ', when(e.timestamp)))))));
  }

  // mark points out in the history what an explanation names.
  mark(events) {
    const named = new Set(events.map((e) => `${e.itemId}\n${e.timestamp}`));
    for (const li of this.past.querySelectorAll('li')) li.classList.toggle('named', named.has(`${li.dataset.item}\n${li.dataset.time}`));
  }
}

// pairs takes context as rows of a key and a value.
function pairs() {
  const rows = h('div', null);
  const add = () => rows.append(h('div', {class: 'pair'}, input({'aria-label': 'Context key', placeholder: 'DEVICE'}), input({'aria-label': 'Context value', placeholder: 'phone'})));
  add();
  return {
    element: h('div', {class: 'field'}, h('span', {class: 'label'}, 'Context'), rows, button('Add row', add, {class: 'small'})),
    value() {
      const given = [...rows.children].map((row) => [...row.children].map((c) => c.value.trim())).filter(([k]) => k);
      return given.length ? {context: Object.fromEntries(given)} : {};
    },
  };
}
