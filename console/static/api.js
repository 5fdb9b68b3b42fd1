// Calls of the public APIs, through the console's door: the server adds who is
// signed in.

const DOOR = 'call';
const MARK = {'x-usher-console': '1'};

// APIError is a refusal in the words of the API.
export class APIError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

// signedOut is called when a call needs a session that there is none of.
let signedOut = () => {};
export const onSignedOut = (f) => { signedOut = f; };

async function send(path, options) {
  let response;
  try {
    response = await fetch(path, {...options, headers: {...MARK, ...options.headers}, credentials: 'same-origin', redirect: 'error'});
  } catch {
    throw new APIError(0, 'No answer', 'The server does not answer. Is it still running?');
  }
  const text = await response.text();
  if (response.ok) return text;
  if (response.status === 401) signedOut();
  throw refusal(response, text);
}

function refusal(response, text) {
  let code = response.headers.get('x-amzn-errortype') ?? `HTTP ${response.status}`;
  let message = text;
  try {
    const body = JSON.parse(text);
    code = body.__type ?? code;
    message = body.message ?? body.Message ?? text;
  } catch { // S3 answers XML
    message = /<Message>([^<]*)</.exec(text)?.[1] ?? text;
    code = /<Code>([^<]*)</.exec(text)?.[1] ?? code;
  }
  return new APIError(response.status, code, message);
}

const parsed = (text) => (text ? JSON.parse(text) : {});

// call makes a call of the control plane.
export async function call(operation, input = {}, headers = {}) {
  return parsed(await send(`${DOOR}/`, {method: 'POST', body: JSON.stringify(input),
    headers: {'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `AmazonPersonalize.${operation}`, ...headers}}));
}

// list makes a List call to its last page.
export async function list(operation, key, input = {}) {
  const all = [];
  let nextToken;
  do {
    const page = await call(operation, {...input, ...(nextToken && {nextToken})});
    all.push(...page[key]);
    nextToken = page.nextToken;
  } while (nextToken);
  return all;
}

// post makes a call of the runtime and events APIs.
export async function post(path, input) {
  return parsed(await send(DOOR + path, {method: 'POST', body: JSON.stringify(input), headers: {'content-type': 'application/json'}}));
}

// extension makes a call of usher's own.
export async function extension(method, path, input) {
  return parsed(await send(`${DOOR}/usher/v1/${path}`, {method, body: input && JSON.stringify(input), headers: input ? {'content-type': 'application/json'} : {}}));
}

// put makes a bucket if needed and puts a file into it; progress is told shares.
export async function put(bucket, key, file, progress) {
  try {
    await send(`${DOOR}/${bucket}`, {method: 'PUT', headers: {}});
  } catch (error) {
    if (error.code !== 'BucketAlreadyOwnedByYou' && error.code !== 'BucketAlreadyExists') throw error;
  }
  const path = `${DOOR}/${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`;
  await new Promise((resolve, reject) => { // fetch tells nothing of how far an upload is
    const request = new XMLHttpRequest();
    request.open('PUT', path);
    request.setRequestHeader('x-usher-console', '1');
    request.upload.onprogress = (e) => e.lengthComputable && progress(e.loaded / e.total);
    request.onerror = () => reject(new APIError(0, 'No answer', 'The upload broke off.'));
    request.onload = () => (request.status < 300 ? resolve() : reject(refusal({status: request.status, headers: new Headers()}, request.responseText)));
    request.send(file);
  });
  return `s3://${bucket}/${key}`;
}

// session asks who is signed in, signs in (with keys) or out.
export async function session(method = 'GET', keys = undefined) {
  return parsed(await send('session', {method, body: keys && JSON.stringify(keys), headers: keys ? {'content-type': 'application/json'} : {}}));
}

// series reads those of /metrics that have a name, as {labels, value}. Where keys are
// configured they are shown on the server's own machine only.
export async function series(name) {
  const text = await send('/metrics', {headers: {}});
  return text.split('\n').filter((line) => line.startsWith(`${name}{`)).map((line) => {
    const labels = [...line.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map((m) => [m[1], m[2].replace(/\\(.)/g, '$1')]);
    return {labels: Object.fromEntries(labels), value: Number(line.slice(line.lastIndexOf(' ') + 1))};
  });
}
