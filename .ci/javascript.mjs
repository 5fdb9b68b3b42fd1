// The AWS SDK for JavaScript v3 as a process that others talk to: a line of JSON
// in, {service, operation, input, pageSize?}, a line of JSON out, {output} or
// {error, message, status}. With pageSize the operation is a list, and its pages
// are put together by the SDK's own paginator.
//
//     node javascript.mjs FOLDER-WITH-NODE-MODULES
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { join } from "node:path";

const require = createRequire(join(process.argv[2], "package.json"));
const packages = {
  personalize: require("@aws-sdk/client-personalize"),
  "personalize-events": require("@aws-sdk/client-personalize-events"),
  "personalize-runtime": require("@aws-sdk/client-personalize-runtime"),
};
const clients = {
  personalize: new packages.personalize.PersonalizeClient({ maxAttempts: 1 }),
  "personalize-events": new packages["personalize-events"].PersonalizeEventsClient({ maxAttempts: 1 }),
  "personalize-runtime": new packages["personalize-runtime"].PersonalizeRuntimeClient({ maxAttempts: 1 }),
};

async function pages({ service, operation, input, pageSize }) {
  const all = {};
  const paginate = packages[service][`paginate${operation}`];
  for await (const page of paginate({ client: clients[service], pageSize }, input)) {
    for (const [key, value] of Object.entries(page)) {
      if (Array.isArray(value)) all[key] = (all[key] ?? []).concat(value);
    }
  }
  return all;
}

async function call(request) {
  if (request.pageSize) return pages(request);
  const Command = packages[request.service][`${request.operation}Command`];
  const { $metadata, ...output } = await clients[request.service].send(new Command(request.input));
  return output;
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = { output: await call(JSON.parse(line)) };
  } catch (e) {
    answer = { error: e.name, message: e.message, status: e.$metadata?.httpStatusCode ?? 0 };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
