import { type Filter, FilterError, parseFilter } from './filter';
import type { ServerError, Subscribe } from './protocol';

/**
 * Who filters: the server, or this client because the server does not. A server
 * keeps a few filters of a layer; to whom it refuses one more, it sends every
 * entity in view.
 */
export class OwnFilters {
  private text = ''; // of the view's filters, to tell when they change
  private asked: Readonly<Record<string, string>> = {}; // of the server, with `request`
  private request = 0;
  private server: Readonly<Record<string, string>> = {}; // what it filters by
  private own: Readonly<Record<string, Filter>> | undefined;

  /** Takes what the view asks for; when it changes the server is asked again. */
  wanted(filter: Readonly<Record<string, string>> | undefined): void {
    const text = JSON.stringify(filter ?? {});
    if (text === this.text) return;
    this.text = text;
    this.own = undefined;
  }

  /** Puts into a subscription what the server is to filter by. */
  subscribe(message: Subscribe, filter: Readonly<Record<string, string>> | undefined): void {
    this.request = message.request;
    this.asked = {};
    if (!filter) return;
    if (this.own) {
      message.maxEntities = -1; // the server's counts by place would be of all
      return;
    }
    this.asked = message.filter = { ...filter };
  }

  /** Takes a refusal; tells whether this client can filter instead. */
  refused(error: ServerError): boolean {
    if (this.own || (error.code !== 'unavailable' && error.code !== 'unsupported')) return false;
    const filters = Object.entries(this.asked);
    if (filters.length === 0) return false;
    try {
      this.own = Object.fromEntries(filters.map(([layer, text]) => [layer, parseFilter(text)]));
    } catch (failure) {
      if (failure instanceof FilterError) return false;
      throw failure;
    }
    this.server = {};
    return true;
  }

  /** The server did what was asked. */
  accepted(request: number): void {
    if (request === this.request) this.server = this.asked;
  }

  /** Whether the server filters a layer. */
  byServer(layer: string): boolean {
    return this.server[layer] !== undefined;
  }

  /** What this client is to filter a layer by; undefined: nothing. */
  of(layer: string): Filter | undefined {
    return this.own?.[layer];
  }
}
