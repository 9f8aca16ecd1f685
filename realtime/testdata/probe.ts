// The TypeScript client as a program: commands on standard input, one JSON
// object a line; what the client holds on standard output. typescript_proof_test.go
// bundles and drives it.
import {
  EntityState,
  type EventsSubscription,
  LiveClient,
  type Reading,
  type ReplayRequest,
  type Socket,
  type View,
} from '../../web/viewer/src/realtime';

declare const process: {
  argv: string[];
  stdin: AsyncIterable<Uint8Array>;
  stdout: { write(text: string): void };
  exit(code: number): never;
};

let socket: WebSocket | undefined;
const changes: unknown[] = [];
const client = new LiveClient({
  url: process.argv[2] as string,
  minRetryMs: 50,
  open: url => {
    socket = new WebSocket(url);
    return socket as unknown as Socket;
  },
});
client.on('change', change => changes.push(change));

let subscription: EventsSubscription | undefined;
/** What the handler of events was given, in order. */
const told: { sequence: number; id: string; snapshot: boolean }[] = [];
const gaps: unknown[] = [];
let readings: ReadonlyMap<string, Reading> = new Map();

function events(after: number | undefined): void {
  subscription = client.events({
    ...(after === undefined ? {} : { after }),
    onGap: gap => gaps.push(gap),
    onEvents: async (items, { snapshot }) => {
      for (const e of items) told.push({ sequence: e.sequence, id: e.id, snapshot });
      await new Promise(resolve => setTimeout(resolve, 5)); // it has something to do
    },
  });
}

function dump(id: string): unknown {
  const layer = client.layer(id);
  const entities: unknown[] = [];
  for (let slot = 0; layer && slot < layer.size; slot++) {
    if (layer.state[slot] === EntityState.free) continue;
    entities.push({
      id: layer.entityId(slot),
      lon: layer.lon[slot],
      lat: layer.lat[slot],
      time: layer.time[slot],
      state: layer.state[slot],
      properties: layer.properties(slot),
    });
  }
  return {
    phase: client.status.phase,
    knownUntil: layer?.knownUntil ?? 0,
    window: layer?.resume()?.window,
    faults: layer?.faults ?? 0,
    counts: layer?.counts,
    serverNow: client.serverNow(),
    replay: client.replaying,
    entities,
    changes,
    told,
    gaps,
    through: subscription?.through,
    readings: [...readings.values()],
  };
}

function run(line: string): void {
  const command = JSON.parse(line) as { do: string; view?: View; layer?: string; replay?: ReplayRequest; after?: number };
  if (command.do === 'subscribe') client.subscribe(command.view as View);
  if (command.do === 'replay') client.replay(command.replay);
  if (command.do === 'events') events(command.after);
  if (command.do === 'readings')
    client.readings(['manholes'], { onReadings: (_, __, all) => (readings = all) });
  if (command.do === 'drop') socket?.close();
  process.stdout.write(`${JSON.stringify(dump(command.layer ?? ''))}\n`);
}

client.connect();
let rest = '';
for await (const chunk of process.stdin) {
  const lines = (rest + new TextDecoder().decode(chunk)).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) run(line);
}
client.close();
process.exit(0);
