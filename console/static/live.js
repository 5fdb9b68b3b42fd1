// Parts of a page that stay up to date.

import {complaint, h, show} from './dom.js';

const soon = 1500;
const calm = 10000;

// live makes a part of a page: draw(await load()) is shown, and again whenever what
// load gives has changed, until the part leaves the page. busy(data) says that
// something is under way, so that it is worth looking more often.
export async function live(load, draw, busy = () => false) {
  const place = h('div', {class: 'live'});
  let last;
  const look = async () => {
    const data = await load();
    const text = JSON.stringify(data);
    if (text !== last) {
      last = text;
      show(place, draw(data));
    }
    setTimeout(again, busy(data) ? soon : calm);
  };
  const again = async () => {
    if (!place.isConnected) return;
    if (document.hidden || place.contains(document.activeElement)) { // nobody looks, or somebody is at work in it
      setTimeout(again, soon);
      return;
    }
    try {
      await look();
    } catch (error) {
      last = undefined;
      show(place, complaint(error));
      if (error.status !== 401) setTimeout(again, calm);
    }
  };
  await look();
  return place;
}
