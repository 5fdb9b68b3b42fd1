// Records of items, to say more of them than their ids.

import {extension} from './api.js';
import {when} from './dom.js';
import {callsOf} from './group.js';

// titles are the columns that are likely to name an item, the likeliest first.
const titles = ['TITLE', 'ITEM_NAME', 'NAME', 'PRODUCT_NAME'];

const longest = 40; // characters of a column that is shown in a table

const most = 25; // ids in one call: they stand in its address

const isTime = (column) => column.endsWith('TIMESTAMP');

// cell shows a value of a column.
export function cell(column, value) {
  if (value === undefined || value === null) return '';
  return isTime(column) && typeof value === 'number' ? when(value) : String(value).replaceAll('|', ' | ');
}

// Records reads items of a group once and gives them by id.
export class Records {
  constructor(group) {
    this.path = callsOf(group);
    this.known = new Map();
  }

  // read makes sure that the items of these ids can be asked for.
  async read(ids) {
    const missing = [...new Set(ids)].filter((id) => !this.known.has(id));
    for (let i = 0; i < missing.length; i += most) {
      const some = missing.slice(i, i + most);
      const query = some.map((id) => `id=${encodeURIComponent(id)}`).join('&');
      const {records} = await extension('GET', `${this.path}/items?${query}`);
      for (const id of some) this.known.set(id, {});
      for (const r of records) this.known.set(r.id, r.fields);
    }
  }

  fields(id) { return this.known.get(id) ?? {}; }

  // columns are up to that many to show beside an item's name: those that any item
  // read has and none fills with a long text.
  columns(most) {
    const all = [...this.known.values()];
    const names = new Set(all.flatMap(Object.keys));
    const short = (c) => all.every((fields) => String(fields[c] ?? '').length <= longest);
    return [...names].filter((c) => !titles.includes(c) && short(c)).sort((a, b) => isTime(a) - isTime(b) || a.localeCompare(b)).slice(0, most);
  }

  // title gives an item's name, or its id where it has none.
  title(id) {
    const f = this.fields(id);
    const column = titles.find((t) => typeof f[t] === 'string');
    return column ? f[column] : id;
  }
}
