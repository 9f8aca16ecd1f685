import { describe, expect, it } from 'vitest';
import type { EventsTold, LiveFeed, LiveStatus } from '../live/feed';
import { EventReader } from './eventReader';

const alarm = (id: string, given = {}) => ({
  kind: 'alarm',
  id,
  class: 'gas',
  state: 'new',
  sequence: 1,
  time: '2026-11-22T12:00:00Z',
  ...given,
});
const city = (id: string) => ({ ...alarm(id), kind: 'case', state: 'accepted' });

function start(tellsEvents: boolean | undefined = true) {
  let tell: EventsTold = () => {};
  let say: (status: LiveStatus) => void = () => {};
  let stopped = 0;
  const feed = {
    status: { phase: 'live' } as LiveStatus,
    tellsEvents,
    events: (heard: EventsTold) => {
      tell = heard;
      return () => stopped++;
    },
    onStatus: (heard: (status: LiveStatus) => void) => {
      say = heard;
      return () => stopped++;
    },
  } as unknown as LiveFeed;
  const told: unknown[] = [];
  const reader = new EventReader(feed, {
    alarms: (list, whole) => told.push(['alarms', list.map(({ id }) => id).join(), whole]),
    cases: (list, whole) => told.push(['cases', list.map(({ id }) => id).join(), whole]),
    state: state => told.push(state),
  });
  return {
    tell: (...args: Parameters<EventsTold>) => tell(...args),
    say: (s: LiveStatus) => say(s),
    told,
    reader,
    stopped: () => stopped,
  };
}

describe('EventReader', () => {
  it('takes what is open as a whole once its last part is there, then news', () => {
    const { tell, told } = start();
    tell([alarm('a'), city('c')], { first: true, last: false });
    expect(told).toEqual(['waiting']);
    tell([alarm('b'), { kind: 'outcome', id: 'x' }, alarm('broken', { state: 'lost' })], {
      first: false,
      last: true,
    });
    expect(told.slice(1)).toEqual([['alarms', 'a,b', true], ['cases', 'c', true], 'ready']);
    tell([alarm('d')], undefined);
    expect(told.at(-1)).toEqual(['alarms', 'd', false]);
    tell([city('e')], undefined);
    expect(told.at(-1)).toEqual(['cases', 'e', false]);
  });

  it('forgets the parts of a series that begins anew', () => {
    const { tell, told } = start();
    tell([alarm('a')], { first: true, last: false });
    tell([alarm('b')], { first: true, last: true });
    expect(told).toContainEqual(['alarms', 'b', true]);
  });

  it('says when what it holds is from before, and that nobody tells', () => {
    const { tell, say, told } = start();
    say({ phase: 'reconnecting', since: 0 });
    expect(told, 'nothing is held yet').toEqual(['waiting']);
    tell([], { first: true, last: true });
    say({ phase: 'reconnecting', since: 0 });
    expect(told.at(-1)).toBe('away');
    say({ phase: 'live' });
    expect(told.at(-1)).toBe('ready');
    expect(start(false).told).toEqual(['none']);
    const silent: unknown[] = [];
    new EventReader(undefined, { alarms() {}, cases() {}, state: state => silent.push(state) });
    expect(silent).toEqual(['none']);
  });

  it('leaves no listener behind', () => {
    const { reader, stopped } = start();
    reader.dispose();
    expect(stopped()).toBe(2);
  });
});
