// Vehicles that drive through a city and report over HTTP, for tests under load.

/** The layer of the vehicles, as the server's configuration makes it. */
export const fleetConfig =
  'live: [{id: vehicles, kind: vehicle, period: 1s, stale: 10s, offline: 60s, removed: 300s, label: line}]\nbookmarks: [{id: city, title: {zh: 城市, en: City}, center: [-74, 40.7], zoom: 9.6}]\n';

export class Fleet {
  /** @param {string} url of the server @param {number} count @param {number} km width of the city */
  constructor(url, count, km = 60) {
    this.url = url;
    this.count = count;
    this.half = { lon: km / 2 / 84.4, lat: km / 2 / 111.2 };
    this.lon = Float64Array.from({ length: count }, () => -74 + (2 * random() - 1) * this.half.lon);
    this.lat = Float64Array.from({ length: count }, () => 40.7 + (2 * random() - 1) * this.half.lat);
    this.course = Float64Array.from({ length: count }, () => random() * 360);
    this.speed = Float64Array.from({ length: count }, () => random() * 20);
    /** Positions that the server took. */
    this.sent = 0;
    /** Positions that it did not. */
    this.refused = [];
    this.stopped = false;
    this.generation = new Uint32Array(count);
    this.next = 0;
  }

  /** Lets some vehicles leave for good, and as many come under other names. */
  replace(count) {
    for (let i = 0; i < count; i++) this.generation[this.next++ % this.count]++;
  }

  id(i) {
    return this.generation[i] === 0 ? `v${i}` : `v${i}-${this.generation[i]}`;
  }

  /** Posts vehicles from to to−1, a second further on. */
  async post(from, to) {
    const time = new Date().toISOString();
    let body = '';
    for (let i = from; i < to; i++) {
      const angle = (this.course[i] * Math.PI) / 180;
      this.lon[i] += (Math.sin(angle) * this.speed[i]) / 84_400;
      this.lat[i] += (Math.cos(angle) * this.speed[i]) / 111_200;
      const out = Math.abs(this.lon[i] + 74) > this.half.lon || Math.abs(this.lat[i] - 40.7) > this.half.lat;
      this.course[i] = (this.course[i] + (out ? 180 : random() * 8 - 4) + 360) % 360;
      body += `{"layer":"vehicles","id":"${this.id(i)}","time":"${time}","lon":${this.lon[i].toFixed(6)},"lat":${this.lat[i].toFixed(6)},"course":${this.course[i].toFixed(1)},"speed":${this.speed[i].toFixed(1)},"properties":{"line":"${i % 20}"}}\n`;
    }
    const response = await fetch(`${this.url}/live/positions`, { method: 'POST', headers: { 'Content-Type': 'application/x-ndjson' }, body });
    const answer = await response.json();
    this.sent += answer.accepted ?? 0;
    if (response.status !== 202 || answer.refused.length > 0) this.refused.push(`${response.status} ${JSON.stringify(answer).slice(0, 300)}`);
  }

  /** Posts everybody once. */
  async introduce() {
    for (let from = 0; from < this.count; from += 1000) await this.post(from, Math.min(from + 1000, this.count));
  }

  /** Lets everybody report once a second, spread over it, until stop. */
  start(batch = Math.min(1000, this.count)) {
    const rounds = Math.ceil(this.count / batch);
    const begun = performance.now();
    const run = async () => {
      for (let n = 0; !this.stopped; n++) {
        const wait = begun + (n * 1000) / rounds - performance.now();
        if (wait > 0) await new Promise(resolve => setTimeout(resolve, wait));
        const from = (n % rounds) * batch;
        await this.post(from, Math.min(from + batch, this.count));
      }
    };
    this.running = run().catch(error => this.refused.push(String(error)));
  }

  async stop() {
    this.stopped = true;
    await this.running;
  }
}

let seed = 1;
/** Numbers from 0 to 1, the same in every run. */
function random() {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
