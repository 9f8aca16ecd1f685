// A reporter for node --test: one line of JSON for each test without subtests.
import { inspect } from 'node:util';

export default async function* lines(events) {
  const output = [];
  let deepest = 0; // nesting of the last test told: one level up are its parents
  for await (const { type, data } of events) {
    if (type === 'test:stdout' || type === 'test:stderr') {
      output.push(data.message);
      continue;
    }
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const parent = data.nesting < deepest;
    deepest = data.nesting;
    const skipped = data.skip !== undefined || data.todo !== undefined;
    const ok = type === 'test:pass' && !skipped;
    // The runner reports a file that holds no test as a test of that name.
    const empty = ok && data.details?.type !== 'suite' && (data.name === data.file || data.file?.endsWith('/' + data.name));
    if (empty || (parent && (ok || data.details?.error?.failureType === 'subtestsFailed'))) continue;
    if (data.details?.type === 'suite' && ok) continue;
    const error = data.details?.error;
    const text = skipped ? 'skipped' : ok ? '' : [error?.cause instanceof Error ? error.cause.stack : inspect(error?.cause ?? error), ...output].join('\n');
    yield JSON.stringify({ result: ok ? 'pass' : 'fail', name: data.name, output: text }) + '\n';
    output.length = 0;
  }
}
