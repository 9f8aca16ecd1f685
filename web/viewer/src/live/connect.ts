import type { Config } from '../config/config';
import { LiveClient } from '../realtime';
import { ClientFeed } from './clientFeed';
import type { LiveFeed } from './feed';

/**
 * Connects to the server's live socket, which tells of movements and of changes.
 * @param everyEntity entities are asked for however many there are, never counts by place
 */
export function connect(config: Config, everyEntity: boolean): LiveFeed | undefined {
  if (config.live === '') return undefined;
  return new ClientFeed(new LiveClient({ url: config.live }).connect(), config, everyEntity);
}
