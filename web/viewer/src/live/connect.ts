import type { Config } from '../config/config';
import type { LiveFeed } from './feed';

/** Connects to the server's live socket. */
export function connect(_config: Config): LiveFeed | undefined {
  return undefined;
}
