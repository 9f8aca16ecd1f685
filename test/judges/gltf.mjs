// Khronos' validator on GLB files: node gltf.mjs FILE…
// Prints one line a finding of substance and ends with 1 if there is any.
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import validator from 'gltf-validator';

// What the validator cannot know: extensions of the EXT_ family, and the views
// and accessors that only they refer to.
const beyondIt = new Set(['UNSUPPORTED_EXTENSION', 'UNUSED_OBJECT']);

// findings are the messages of substance about a GLB: errors, warnings, hints.
export async function findings(bytes, name = 'content.glb') {
  const report = await validator.validateBytes(new Uint8Array(bytes), { uri: name, maxIssues: 0 });
  return report.issues.messages.filter((m) => !beyondIt.has(m.code));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  let count = 0;
  for (const file of process.argv.slice(2)) {
    for (const m of await findings(await readFile(file), basename(file))) {
      console.log(`${basename(file)}: ${m.code} ${m.pointer ?? m.offset ?? ''}: ${m.message}`);
      count++;
    }
  }
  console.log(`${process.argv.length - 2} files, ${count} findings, gltf-validator ${validator.version()}`);
  process.exit(count > 0 ? 1 : 0);
}
