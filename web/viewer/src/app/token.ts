const key = 'twind.token';
const parameter = 'token';

/** The token of this tab: it outlives a reload, and nothing else. */
let token = '';

/**
 * Takes the token that the address gives, `#token=…` or `?token=…`, or that this tab had before a reload. It is
 * taken out of the address, so that it is not passed on with a link; one after `#` is in no server's log either.
 */
export function takeToken(place: Location = location, storage: Storage | undefined = tabStorage()): void {
  const address = new URL(place.href);
  const hash = new URLSearchParams(address.hash.slice(1));
  const given = hash.get(parameter) ?? address.searchParams.get(parameter);
  if (given === null) {
    token = read(storage);
    return;
  }
  address.searchParams.delete(parameter);
  address.hash = address.hash
    .slice(1)
    .split('&')
    .filter(part => part.split('=')[0] !== parameter)
    .join('&');
  history.replaceState(history.state, '', address);
  keepToken(given, storage);
}

/** Uses another token from now on. */
export function keepToken(given: string, storage: Storage | undefined = tabStorage()): void {
  token = given;
  try {
    storage?.setItem(key, given);
  } catch {
    // A browser that forbids storage forgets it with the page.
  }
}

/** Whether there is a token, right or wrong. */
export const hasToken = (): boolean => token !== '';

/** The header that lets a request change something. */
export function authorization(): { Authorization?: string } {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

function read(storage: Storage | undefined): string {
  try {
    return storage?.getItem(key) ?? '';
  } catch {
    return '';
  }
}

function tabStorage(): Storage | undefined {
  try {
    return window.sessionStorage;
  } catch {
    return undefined;
  }
}
