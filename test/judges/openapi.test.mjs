// A validator of OpenAPI 3.0 reads the description of the service.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { json, server } from './server.mjs';

let twind;
before(async () => { twind = await server(); });
after(async () => { await twind.close(); });

test('the description of the service is valid OpenAPI 3.0', async () => {
  const doc = await json(`${twind.url}/ogc/api`);
  const validator = new Validator();
  const result = await validator.validate(doc);
  assert.deepEqual(result.errors ?? [], [], JSON.stringify(result.errors)?.slice(0, 2000));
  assert.ok(result.valid);
  assert.equal(validator.version, '3.0');
  const live = doc.paths['/live/history'];
  assert.equal(live.servers[0].url, twind.url, 'what is beside /ogc names its own root');
  const answer = await fetch(`${live.servers[0].url}/live/history?layer=vehicles`);
  assert.equal(answer.status, 400);
});
