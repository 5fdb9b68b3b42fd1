// Files of the browser's machine into a bucket.

import {put} from './api.js';
import {percent} from './dom.js';

const bucket = 'usher-console';

// upload puts a file into a bucket of the console's own, under a name that no other
// upload has, and gives its location. tell is told how far it is.
export function upload(file, tell) {
  const stamp = new Date().toISOString().replace(/[^0-9]/g, '').slice(0, 17);
  const name = file.name.replace(/[^A-Za-z0-9._-]/g, '_');
  return put(bucket, `${stamp}/${name}`, file, (share) => tell(`Uploading ${file.name}: ${percent(share)}`));
}
