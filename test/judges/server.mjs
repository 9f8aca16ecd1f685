// The server under judgement: TWIND_URL, or a demo city that this process
// starts from bin/twind on a free port and ends again.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The program under judgement. */
export const program = process.env.TWIND_BINARY ?? fileURLToPath(new URL('../../bin/twind', import.meta.url));

export async function server() {
  if (process.env.TWIND_URL) return { url: process.env.TWIND_URL.replace(/\/$/, ''), close: async () => {} };
  const data = await mkdtemp(join(tmpdir(), 'twind-judges-'));
  const { url, close } = await start(['demo', '--addr', '127.0.0.1:0', '--data', data]);
  return {
    url,
    data, // folder of the demo city
    close: async () => {
      await close();
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** A server of a store. */
export const serve = (store) => start(['serve', '--addr', '127.0.0.1:0', '--store', store]);

async function start(args) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await new Promise((resolve, reject) => {
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
      const m = out.match(/http:\/\/127\.0\.0\.1:\d+/);
      if (m) resolve(m[0]);
    });
    child.on('exit', (code) => reject(new Error(`twind ${args[0]} ended with ${code}`)));
  });
  return {
    url,
    close: async () => {
      const ended = new Promise((resolve) => child.on('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    },
  };
}

export async function json(url) {
  const r = await fetch(url);
  if (!r.ok) throw new Error(`${url}: ${r.status} ${await r.text()}`);
  return r.json();
}
