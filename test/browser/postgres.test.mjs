import { execFile } from 'node:child_process';
import { after } from 'node:test';
import { promisify } from 'node:util';
import { viewerTests } from './suite.mjs';

const run = promisify(execFile);
const cluster = process.env.TWIND_TEST_POSTGRES;
const database = `twind_browser_${process.pid}`;

/** Runs one statement in the cluster that scripts/test.sh started. */
async function sql(statement) {
  if (!cluster) throw new Error('TWIND_TEST_POSTGRES names no PostgreSQL: run scripts/test.sh, which starts one');
  await run('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-c', statement, cluster]);
}

after(() => sql(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`));

viewerTests('the viewer over PostGIS', async () => {
  await sql(`CREATE DATABASE ${database}`);
  const url = new URL(cluster);
  url.pathname = `/${database}`;
  return url.href;
});
