// The server under test: TWIND_URL, or a demo city that this process starts
// from bin/twind on a free port and ends again.
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** The program under test. */
export const program = process.env.TWIND_BINARY ?? fileURLToPath(new URL('../../bin/twind', import.meta.url));
const patience = 240_000; // ms for making the demo city, on busy cores

/**
 * Starts a demo city, or with a configuration an empty city that has it, or a city of imported files, or both.
 * @param {{store?: string, config?: string, imports?: Record<string, string>}} options store: where its data goes; a GeoPackage in a temporary folder by default. imports: files of buildings, by layer
 * @returns {Promise<{url: string, pid: number, close: () => Promise<void>}>} pid: 0 for a server that ran already
 */
export async function startServer({ store, config, imports } = {}) {
  if (process.env.TWIND_URL && !store && !config && !imports) return { url: process.env.TWIND_URL.replace(/\/$/, ''), pid: 0, close: async () => {} };
  const data = await mkdtemp(join(tmpdir(), 'twind-browser-'));
  const args = ['demo', '--addr', '127.0.0.1:0', '--data', data, ...(store ? ['--store', store] : [])];
  if (config || imports) args.splice(0, args.length, 'serve', '--addr', '127.0.0.1:0', '--store', `geopackage:${join(data, 'city.gpkg')}`);
  const city = args.at(-1);
  for (const [layer, file] of Object.entries(imports ?? {})) await run(program, ['import', file, '--layer', layer, '--kind', 'building', '--store', city]);
  if (config) {
    const file = join(data, 'twind.yaml');
    await writeFile(file, config);
    args.push('--config', file, '--data', data);
  }
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const close = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise(resolve => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    }
    await rm(data, { recursive: true, force: true });
  };
  try {
    return { url: await address(child), pid: child.pid, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The first address that the program prints. */
function address(child) {
  return new Promise((resolve, reject) => {
    let out = '';
    let faults = '';
    const timer = setTimeout(() => reject(new Error(`twind demo said no address in ${patience / 1000} s: ${faults}`)), patience);
    child.stdout.on('data', chunk => {
      out += chunk;
      const match = /http:\/\/127\.0\.0\.1:\d+/.exec(out);
      if (match) {
        clearTimeout(timer);
        resolve(match[0]);
      }
    });
    child.stderr.on('data', chunk => {
      faults = (faults + chunk).slice(-4000);
    });
    child.once('error', error => {
      clearTimeout(timer);
      reject(new Error(`${child.spawnfile}: ${error.message}; run make build`));
    });
    child.once('exit', code => {
      clearTimeout(timer);
      reject(new Error(`twind demo ended with ${code}: ${faults}`));
    });
  });
}
