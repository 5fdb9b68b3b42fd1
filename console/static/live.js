// Parts of a page that stay up to date.

import {complaint, h, show} from './dom.js';

const soon = 1500;
const calm = 10000;

// live makes a part of a page: draw(await load()) is shown, and again whenever what
// load gives has changed, until the part leaves the page. busy(data) says that
// something is under way, so that it is worth looking more often. Whoever has done
// something dispatches 'changed' on the document (dom.js, note).
export async function live(load, draw, busy = () => false) {
  const place = h('div', {class: 'live'});
  let last;
  let timer;
  const later = (ms) => {
    clearTimeout(timer);
    timer = setTimeout(again, ms);
  };
  const look = async () => {
    const data = await load();
    const text = JSON.stringify(data);
    if (text !== last) {
      last = text;
      show(place, draw(data));
    }
    later(busy(data) ? soon : calm);
  };
  const again = async () => {
    if (!place.isConnected) return document.removeEventListener('changed', again);
    if (document.hidden || place.contains(document.activeElement)) return later(soon); // nobody looks, or somebody is at work in it
    try {
      await look();
    } catch (error) {
      last = undefined;
      show(place, complaint(error));
      if (error.status !== 401) later(calm);
    }
    return undefined;
  };
  await look();
  document.addEventListener('changed', again);
  return place;
}
