import { afterEach, describe, expect, it, vi } from 'vitest';
import { authorization, hasToken, keepToken, takeToken } from './token';

/** A page at an address, whose tab remembers what it is told. */
function page(href: string, kept: Map<string, string>) {
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  } as unknown as Storage;
  let address = href;
  vi.stubGlobal('history', {
    state: null,
    replaceState: (_state: unknown, _title: string, next: URL) => {
      address = next.href;
    },
  });
  takeToken({ href } as Location, storage);
  return { address, storage };
}

describe('the token', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    keepToken('', undefined);
  });

  it('is taken out of the address, what else it says stays', () => {
    const kept = new Map<string, string>();
    const { address } = page(
      'https://city.example/?screen=wall&lang=zh#map=14/1.5/2&token=open%2Bsesame',
      kept,
    );
    expect(address).toBe('https://city.example/?screen=wall&lang=zh#map=14/1.5/2');
    expect(authorization()).toEqual({ Authorization: 'Bearer open+sesame' });
    expect(page('https://city.example/?token=other&screen=wall', kept).address).toBe(
      'https://city.example/?screen=wall',
    );
    expect(authorization()).toEqual({ Authorization: 'Bearer other' });
  });

  it('outlives a reload of the tab and is not there without one', () => {
    const kept = new Map<string, string>();
    const href = 'https://city.example/?screen=wall#map=14/1.5/2';
    expect(page(href, kept).address).toBe(href);
    expect(hasToken()).toBe(false);
    expect(authorization()).toEqual({});
    const { storage } = page(`${href}&token=sesame`, kept);
    keepToken('', undefined); // the page is gone
    page(href, kept);
    expect(authorization()).toEqual({ Authorization: 'Bearer sesame' });
    keepToken('another', storage);
    page(href, kept);
    expect(authorization()).toEqual({ Authorization: 'Bearer another' });
  });
});
